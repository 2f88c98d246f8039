import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as admin from '@rollcall/proto-gen/admin'
import * as bsf from '@rollcall/proto-gen/bsf'
import * as cx from '@rollcall/proto-gen/cx'
import * as digest from '@rollcall/proto-gen/digest'
import * as hop from '@rollcall/proto-gen/hop'
import * as presence from '@rollcall/proto-gen/presence'
import * as sh from '@rollcall/proto-gen/sh'
import * as zh from '@rollcall/proto-gen/zh'
import * as zn from '@rollcall/proto-gen/zn'
import { HOP_SENDERS, mayAssert, mayCall, maySend, RPC_ROLES } from './role-table.ts'
import { ROLES, type Role } from './roles.ts'

/** Questions of an operator that one replica asks another. */
const OF_REPLICAS: ReadonlyMap<string, readonly Role[]> = new Map([
  ['/rollcall.admin.v1.PresenceAdminService/GetPresentity', ['presence']],
  ['/rollcall.admin.v1.PresenceAdminService/Try', ['presence']],
  ['/rollcall.admin.v1.PresenceAdminService/Explain', ['presence']],
  ['/rollcall.admin.v1.ScscfAdminService/ListRegistrations', ['scscf']],
  ['/rollcall.admin.v1.ScscfAdminService/Deregister', ['scscf']],
  ['/rollcall.admin.v1.ScscfAdminService/Reauthenticate', ['scscf']],
])

/** The paths of every rpc in a generated file. */
function pathsIn(generated: object): string[] {
  const paths: string[] = []
  for (const [name, definition] of Object.entries(generated)) {
    if (!name.endsWith('ServiceService')) continue
    for (const { path } of Object.values(definition as Record<string, { path: string }>)) paths.push(path)
  }
  return paths
}

test('the table names every rpc of proto/, and nothing else (decision 004)', () => {
  const paths = [admin, cx, hop, presence, sh, bsf, digest, zh, zn].flatMap(pathsIn)
  assert.ok(paths.length >= 13)
  assert.deepEqual(Object.keys(RPC_ROLES).sort(), paths.sort())
})

test('an rpc that the table does not name is refused, whoever calls', () => {
  for (const role of ROLES) assert.equal(mayCall('/rollcall.cx.v1.CxService/Unknown', role), false)
})

test('vectors go to the S-CSCF alone, administration is the operator’s alone', () => {
  assert.deepEqual(
    ROLES.filter((role) => mayCall('/rollcall.cx.v1.CxService/MultimediaAuth', role)),
    ['scscf'],
  )
  for (const path of Object.keys(RPC_ROLES).filter((name) => name.startsWith('/rollcall.admin.'))) {
    // Another replica may hand a question on to who can answer it.
    const others = OF_REPLICAS.get(path) ?? []
    assert.deepEqual(ROLES.filter((role) => mayCall(path, role)).sort(), [...others, 'operator'].sort(), path)
  }
})

test('user data is told to the Presence Server alone: asked for, pushed by the HSS, or handed on by a replica', () => {
  const callers = (path: string) => ROLES.filter((role) => mayCall(path, role))
  assert.deepEqual(callers('/rollcall.sh.v1.ShService/UserData'), ['presence'])
  assert.deepEqual(callers('/rollcall.sh.v1.ShNotificationService/PushNotification').sort(), ['hss', 'presence'])
})

test('SIP goes over the hop only along Mw and ISC', () => {
  const allowed = ROLES.flatMap((from) => ROLES.filter((to) => maySend(from, to)).map((to) => `${from} → ${to}`))
  assert.deepEqual(allowed, [
    'scscf → scscf',
    'scscf → pcscf',
    'scscf → presence',
    'pcscf → scscf',
    'presence → scscf',
    'presence → presence',
    'as → scscf',
  ])
  assert.deepEqual(Object.keys(HOP_SENDERS).sort(), [...ROLES].sort())
})

test('an application server of another vendor speaks SIP to the S-CSCF, and calls no rpc', () => {
  assert.deepEqual(
    Object.keys(RPC_ROLES).filter((path) => mayCall(path, 'as')),
    [],
  )
})

test('P-Asserted-Identity is believed of who authenticates users, or has it from there (RFC 3325 section 5)', () => {
  assert.deepEqual(ROLES.filter(mayAssert), ['scscf', 'pcscf'])
})
