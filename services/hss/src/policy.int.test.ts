import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { PolicyEffect, SubscriberAdminServiceClient } from '@rollcall/proto-gen/admin'
import { CxResult } from '@rollcall/proto-gen/cx'
import { type PushNotificationRequest, ShNotificationServiceService } from '@rollcall/proto-gen/sh'
import {
  callUnary,
  createGrpcService,
  createRuntime,
  type GrpcServer,
  RpcError,
  type RpcErrorCode,
  startGrpcServer,
} from '@rollcall/runtime'
import { ALICE, adminAlice, IMPI, REALM, SERVER_NAME } from './subscribers/testing/fixtures.ts'
import { HssStack, until } from './testing/hss-stack.ts'

const ADDRESS = '127.1.6.21'
const BLOCK = { defaultAllow: true, allow: [], block: [`sip:bob@${REALM}`] }

let stack: HssStack
let admin: SubscriberAdminServiceClient

/** A Presence Server that is played: what it was told, and what it answers. */
const presence = { pushed: [] as PushNotificationRequest[], answer: undefined as RpcErrorCode | undefined }
let server: GrpcServer | undefined

async function startPresence(role = 'presence'): Promise<void> {
  const runtime = createRuntime({ service: role, identity: await stack.identity(role) })
  const service = createGrpcService(ShNotificationServiceService, {
    pushNotification: (request) => {
      presence.pushed.push(request)
      if (presence.answer) throw new RpcError(presence.answer, 'the partition is not served here now')
      return {}
    },
  })
  server = await startGrpcServer({ listen: `${ADDRESS}:17003`, services: [service], runtime })
}

async function stopPresence(): Promise<void> {
  await server?.stop(0)
  server = undefined
}

before(async () => {
  // Nobody is at the first target: it must not matter.
  stack = await HssStack.start(ADDRESS, {
    env: { ROLLCALL_PRESENCE_TARGETS: `${ADDRESS}:17004, ${ADDRESS}:17003` },
  })
  admin = await stack.admin()
  await callUnary(admin.addSubscriber.bind(admin), { subscriber: adminAlice() })
})

after(async () => {
  await stopPresence()
  await stack?.[Symbol.asyncDispose]()
})

function setPolicy(presencePolicy = BLOCK, deadlineMs = 3_000) {
  return callUnary(admin.setPresencePolicy.bind(admin), { impu: ALICE, presencePolicy }, { deadlineMs })
}

test('a policy is pushed to whichever Presence Server is there, and answered when it says that it is in force', async () => {
  await startPresence()
  const answer = await setPolicy()
  assert.equal(answer.effect, PolicyEffect.POLICY_EFFECT_IN_FORCE)
  const [pushed, ...others] = presence.pushed
  assert.equal(others.length, 0)
  assert.deepEqual(pushed, {
    canonicalImpu: ALICE,
    impus: [ALICE, 'tel:+15550100'],
    presencePolicy: BLOCK,
    revision: answer.revision,
    forwarded: false,
  })
  const sh = await stack.sh()
  const asked = await callUnary(sh.userData.bind(sh), { impu: ALICE })
  assert.deepEqual([asked.revision, asked.presencePolicy], [answer.revision, BLOCK])
})

test('it is pushed again until it is in force; meanwhile the operator waits', async () => {
  presence.pushed = []
  presence.answer = 'RPC_UNAVAILABLE'
  const waiting = setPolicy({ ...BLOCK, block: [] }, 10_000)
  await until(() => presence.pushed.length >= 3, 'it is pushed again')
  presence.answer = undefined
  assert.equal((await waiting).effect, PolicyEffect.POLICY_EFFECT_IN_FORCE)
  assert.equal(new Set(presence.pushed.map(({ revision }) => revision)).size, 1)
})

test('with no Presence Server in time the answer is UNAVAILABLE, the policy is stored, and a second call goes on', async () => {
  await stopPresence()
  presence.pushed = []
  await assert.rejects(setPolicy(), (error) => {
    assert.ok(error instanceof RpcError)
    assert.equal(error.code, 'RPC_UNAVAILABLE')
    assert.match(error.detail, /^the policy is stored as revision \d+, but it may not be in force everywhere/)
    return true
  })
  const sh = await stack.sh()
  const { presencePolicy, revision } = await callUnary(sh.userData.bind(sh), { impu: ALICE })
  assert.deepEqual(presencePolicy, BLOCK)
  await startPresence()
  assert.equal((await setPolicy(BLOCK, 10_000)).revision, revision)
  assert.equal(presence.pushed.at(-1)?.revision, revision)
})

test('whoever is no Presence Server by his certificate is not told, and not believed (decision 8)', async () => {
  await stopPresence()
  presence.pushed = []
  await startPresence('scscf')
  const failed = setPolicy({ ...BLOCK, defaultAllow: false })
  await assert.rejects(failed, (error) => error instanceof RpcError && error.code === 'RPC_UNAVAILABLE')
  assert.equal(presence.pushed.length, 0)
  await stopPresence()
  await startPresence()
})

test('nobody but the operator sets a policy', async () => {
  for (const role of ['pcscf', 'presence', 'scscf', 'hss']) {
    const client = await stack.client(SubscriberAdminServiceClient, role)
    const call = callUnary(client.setPresencePolicy.bind(client), { impu: ALICE, presencePolicy: BLOCK })
    await assert.rejects(call, (error) => error instanceof RpcError && error.code === 'RPC_DENIED', role)
  }
})

test('twenty changes at once get twenty revisions, and the highest is what is stored', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => setPolicy({ ...BLOCK, block: [`sip:m${index}@${REALM}`] }, 10_000)),
  )
  const [highest] = answers.sort((one, other) => Number(other.revision - one.revision))
  assert.equal(new Set(answers.map(({ revision }) => revision)).size, 20)
  const sh = await stack.sh()
  const stored = await callUnary(sh.userData.bind(sh), { impu: ALICE })
  assert.deepEqual([stored.revision, stored.presencePolicy], [highest?.revision, highest?.presencePolicy])
})

test('the sealing key is rotated: with both keys all goes on, and when all is sealed anew the old key goes', async () => {
  const vector = async (): Promise<CxResult> => {
    const cx = await stack.cx()
    const request = { impi: IMPI, impu: ALICE, serverName: SERVER_NAME, resync: Buffer.alloc(0) }
    return (await callUnary(cx.multimediaAuth.bind(cx), request)).result
  }
  const file = stack.environment.ROLLCALL_HSS_SEALING_KEYS_FILE ?? ''
  const { keys } = JSON.parse(await readFile(file, 'utf8')) as { keys: { k1: string; h1: string } }
  const k2 = Buffer.alloc(32, 2).toString('base64')
  const restart = async (current: string, inFile: object): Promise<void> => {
    await stack.stopService()
    await writeFile(file, JSON.stringify({ current, hash: 'h1', keys: { h1: keys.h1, ...inFile } }))
    await stack.startService()
  }
  await restart('k2', { k1: keys.k1, k2 })
  assert.equal(await vector(), CxResult.CX_RESULT_SUCCESS)
  const metrics = async (): Promise<string> => (await stack.runtime?.metrics.expose()) ?? ''
  await until(async () => (await metrics()).includes('rollcall_hss_resealing_done 1'), 'all is sealed anew')
  await restart('k2', { k2 })
  assert.equal(await vector(), CxResult.CX_RESULT_SUCCESS)
})
