import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TcpProxy } from '@rollcall/dev-env'
import { readPidfSummary } from '@rollcall/pidf'
import { PresenceAdminServiceClient } from '@rollcall/proto-gen/admin'
import { ShNotificationServiceClient } from '@rollcall/proto-gen/sh'
import { callUnary, createGrpcClient, type RpcError } from '@rollcall/runtime'
import type { SipRequest, SipResponse } from '@rollcall/sip'
import { ALICE, BOB, CAROL, pidf } from './testing/inputs.ts'
import { again, publishRequest, subscribeRequest } from './testing/requests.ts'
import { Stack, until } from './testing/stack.ts'

const LEASE_MS = 1_000
const SETTINGS = {
  ROLLCALL_REPLICA_HEARTBEAT_MS: '200',
  ROLLCALL_REPLICA_LEASE_MS: String(LEASE_MS),
  ROLLCALL_REPLICA_SILENCE_MS: '1000',
}

const noteOf = (notify: SipRequest): string =>
  readPidfSummary(notify.body)
    .tuples.flatMap(({ notes }) => notes)
    .join()

/** All NOTIFYs from now on, with when they came. */
function record(stack: Stack): { readonly notify: SipRequest; readonly atMs: number }[] {
  const heard: { notify: SipRequest; atMs: number }[] = []
  stack.notifies.on('notify', (notify) => void heard.push({ notify, atMs: performance.now() }))
  return heard
}

/** Sends until it is answered with something else than 503. */
async function answered(stack: Stack, request: SipRequest, identities: readonly string[], to: number) {
  for (let attempt = request; ; attempt = again(request)) {
    const response: SipResponse | undefined = await stack.send(attempt, identities, { to }).catch(() => undefined)
    if (response && response.status !== 503) return response
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Pushes alice's policy as the HSS does, to a replica; gives the error's message when it is not in force. */
async function push(stack: Stack, to: number, block: readonly string[]): Promise<string | undefined> {
  const alice = stack.users.get(ALICE)
  assert.ok(alice)
  alice.presencePolicy = { defaultAllow: true, allow: [], block: [...block] }
  const { identity, metrics } = await stack.runtimeOf('hss')
  const o = { target: stack.target(to), role: 'presence', identity, metrics } as const
  const client = createGrpcClient(ShNotificationServiceClient, o)
  const { canonicalImpu, impus, presencePolicy } = alice
  const revision = stack.nextRevision()
  const request = { canonicalImpu, impus, presencePolicy, revision, forwarded: false }
  return await callUnary(client.pushNotification.bind(client), request, { deadlineMs: 8_000 })
    .then(
      () => undefined,
      (error: RpcError) => error.message,
    )
    .finally(() => client.close())
}

test('a replica whose lease has ended tells nobody anything and answers no reads; with the lease it goes on (decision 3)', async () => {
  const address = '127.1.5.6'
  await using proxy = await TcpProxy.start({ listen: `${address}:14333`, target: `${address}:14222` })
  await using stack = await Stack.start(address, { isEmpty: true })
  const url = stack.store.url.replace('14222', '14333')
  const replica = stack.replica(0, { ...SETTINGS, ROLLCALL_NATS_URL: url })
  await replica.start()
  assert.equal((await stack.send(subscribeRequest(), [BOB])).status, 200)
  assert.equal((await stack.send(publishRequest({ body: pidf('before') }), [ALICE])).status, 200)
  stack.notifyStatus = 503
  const told = stack.nextNotify()
  const published = await stack.send(publishRequest({ body: pidf('out of reach') }), [ALICE])
  assert.equal(published.status, 200)
  await told
  // Watchers are there again before the back-off is over, but the lease is not.
  proxy.stall()
  stack.notifyStatus = 200
  await until(async () => (await replica.metric('rollcall_presence_lease_live')) === 0, 'the lease has ended')
  const heard = record(stack)
  const refused = await stack.send(subscribeRequest({ from: CAROL }), [CAROL])
  assert.equal(refused.status, 503)
  assert.ok(refused.headers.has('Retry-After'))
  assert.equal((await stack.send(subscribeRequest({ expires: '0' }), [BOB])).status, 503, 'a fetch')
  const { identity, metrics } = await stack.runtimeOf('operator')
  const client = createGrpcClient(PresenceAdminServiceClient, {
    target: stack.target(0),
    role: 'presence',
    identity,
    metrics,
  })
  await assert.rejects(callUnary(client.getPresentity.bind(client), { impu: ALICE }, { deadlineMs: 1_000 }))
  client.close()
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  assert.equal(heard.length, 0, 'the NOTIFY that was to be sent again after a second has not left')
  // As a firewall that has forgotten the connections.
  proxy.cut()
  proxy.restore()
  await until(() => heard.length > 0, 'what waited is told')
  const [first] = heard
  assert.match(first ? noteOf(first.notify) : '', /out of reach/)
  assert.equal((await answered(stack, subscribeRequest({ from: CAROL }), [CAROL], 0)).status, 200)
})

test('after the acknowledgement of a policy that blocks, an owner that was stopped meanwhile tells nothing (decision 3)', async () => {
  await using stack = await Stack.start('127.1.5.7', { isEmpty: true })
  await stack.replica(0, SETTINGS).startProcess()
  assert.equal((await stack.send(subscribeRequest(), [BOB], { to: 0 })).status, 200)
  // Bob does not answer, so that what is published goes on being due to him at the owner that is stopped.
  stack.notifyStatus = undefined
  assert.equal((await stack.send(publishRequest({ body: pidf('secret 1') }), [ALICE], { to: 0 })).status, 200)
  assert.equal((await stack.send(publishRequest({ body: pidf('secret 2') }), [ALICE], { to: 0 })).status, 200)
  const heard = record(stack)
  stack.replica(0).signal('SIGSTOP')
  stack.notifyStatus = 200
  await stack.replica(1, SETTINGS).start()
  await until(async () => (await stack.replica(1).metric('rollcall_presence_partitions_owned')) === 16, 'all taken')
  assert.equal(await push(stack, 1, [BOB]), undefined)
  const acknowledgedMs = performance.now()
  stack.replica(0).signal('SIGCONT')
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  const late = heard.filter(({ atMs, notify }) => atMs > acknowledgedMs && notify.body.length > 0)
  assert.deepEqual(late, [])
  const ends = heard.filter(({ notify }) => /rejected/.test(notify.headers.get('Subscription-State') ?? ''))
  assert.ok(ends.length > 0, 'bob was told that it is over')
  assert.equal((await answered(stack, publishRequest({ body: pidf('secret 3') }), [ALICE], 0)).status, 200)
})

test('a policy that is pushed while its partition is taken from a dead replica is in force when it is acknowledged', async () => {
  await using stack = await Stack.start('127.1.5.8', { isEmpty: true })
  await stack.replica(0, SETTINGS).startProcess()
  await stack.replica(1, SETTINGS).start()
  await until(async () => (await stack.replica(1).metric('rollcall_presence_partitions_owned')) > 0, 'both have some')
  assert.equal((await stack.send(subscribeRequest(), [BOB])).status, 200)
  await stack.replica(0).kill('SIGKILL')
  const startMs = performance.now()
  let problem: string | undefined = 'not pushed'
  while (problem !== undefined && performance.now() - startMs < 10_000) problem = await push(stack, 1, [BOB])
  assert.equal(problem, undefined)
  const heard = record(stack)
  assert.equal((await answered(stack, publishRequest({ body: pidf('secret') }), [ALICE], 1)).status, 200)
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.deepEqual(
    heard.filter(({ notify }) => notify.body.length > 0),
    [],
  )
})
