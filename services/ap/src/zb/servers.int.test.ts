import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createTrustDomain, leafFiles } from '@rollcall/pki'
import { createRuntime, type Role, type Runtime, startHttpsServer, TlsIdentity } from '@rollcall/runtime'
import { nafOf, type Route } from '../nafs/naf.ts'
import { ZbServers } from './servers.ts'

const address = '127.54.4.1'
const trustDomain = 'rollcall.test'
/** Two servers behind, of different roles; the second stands for one that joins the Presence Server. */
const ROLES = ['presence', 'scscf'] as const

async function runtimeOf(t: TestContext, folder: string, name: string): Promise<Runtime> {
  const identity = await TlsIdentity.load({ ...leafFiles(folder, name), trustDomain })
  t.after(() => identity[Symbol.dispose]())
  const runtime = createRuntime({ service: name, identity })
  t.after(() => runtime.metrics.shutdown())
  return runtime
}

async function setUp(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-zb-'))
  t.after(() => rm(folder, { recursive: true }))
  const leaves = [...ROLES, 'ap'].map((name) => ({ name, role: name, dnsNames: [] }))
  await createTrustDomain({ folder, trustDomain, leaves })
  const targets = new Map<Role, string>()
  const seen: Role[] = []
  for (const role of ROLES) {
    const server = await startHttpsServer({
      listen: `${address}:0`,
      listener: 'zb',
      roles: ['ap'],
      runtime: await runtimeOf(t, folder, role),
      handler: () => {
        seen.push(role)
        return { status: 200 }
      },
    })
    t.after(() => server.stop(0))
    targets.set(role, `${address}:${server.port}`)
  }
  return { folder, seen, targets: (role: Role): readonly string[] => [targets.get(role) ?? ''] }
}

test('each route speaks to servers of its role alone, and the same replicas under another role are others (TS 33.222 clause 6.3, TS 33.210 clause 5)', async (t) => {
  const { folder, seen, targets } = await setUp(t)
  const routes: Route[] = [
    { auids: ['pres-rules'], targets: targets('presence'), role: 'presence' },
    { auids: ['resource-lists'], targets: targets('scscf'), role: 'scscf' },
    { auids: ['pidf-manipulation'], targets: targets('scscf'), role: 'presence' },
    { auids: ['rls-services'], targets: targets('presence'), role: 'scscf' },
  ]
  const defaults = { means: [], uaProtocols: [], targets: [] }
  const servers = new ZbServers({
    nafs: [{ ...nafOf({ fqdn: 'xcap.home1.net' }, defaults), routes }],
    runtime: await runtimeOf(t, folder, 'ap'),
    timeoutMs: 5_000,
    connectionsMax: 4,
  })
  t.after(() => servers[Symbol.dispose]())
  const statuses: number[] = []
  for (const route of routes) {
    const request = {
      method: 'GET',
      path: '/',
      headers: {},
      body: Buffer.alloc(0),
      signal: new AbortController().signal,
    }
    statuses.push((await servers.send({ ...request, route })).status)
  }
  assert.deepEqual(statuses, [200, 200, 503, 503])
  assert.deepEqual(seen, ['presence', 'scscf'], 'nothing was told to the others')
})
