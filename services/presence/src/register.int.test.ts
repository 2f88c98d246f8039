import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPidfSummary } from '@rollcall/pidf'
import type { SipRequest, SipResponse } from '@rollcall/sip'
import { ALICE, BOB, CAROL, MALLORY } from './testing/inputs.ts'
import { publishRequest, registerRequest, subscribeRequest } from './testing/requests.ts'
import { Stack, until } from './testing/stack.ts'

const NOBODY: readonly string[] = []

function basicsOf(notify: SipRequest): string {
  return readPidfSummary(notify.body)
    .tuples.map(({ basic }) => basic)
    .join()
}

/** Two replicas share all partitions. */
async function everythingServed(stack: Stack): Promise<void> {
  const served = (index: number): Promise<number> => stack.replica(index).metric('rollcall_presence_partitions_owned')
  await until(async () => {
    const [one, other] = await Promise.all([served(0), served(1)])
    return one > 0 && other > 0 && one + other === 16
  }, 'both replicas serve')
}

async function subscriptions(stack: Stack): Promise<number> {
  return await stack.metric('rollcall_presence_subscriptions')
}

test('a presentity’s registration is told to its watchers, and outlives kill -9 (TS 24.229 clause 5.4.1.7)', async () => {
  await using stack = await Stack.start('127.36.2.1', { isProcess: true })
  const first = stack.nextNotify()
  assert.equal((await stack.send(subscribeRequest(), [BOB])).status, 200)
  assert.equal(basicsOf(await first), 'closed')

  const open = stack.nextNotify()
  const registered = await stack.send(registerRequest(), NOBODY)
  assert.equal(registered.status, 200)
  assert.match(registered.headers.get('Contact') ?? '', /;expires=3600$/)
  assert.equal(basicsOf(await open), 'open')

  const published = stack.nextNotify()
  await stack.send(publishRequest(), [ALICE])
  assert.equal(basicsOf(await published), 'open,open')

  await stack.killProcess()
  await stack.startProcess()
  const closed = stack.nextNotify()
  assert.equal((await stack.send(registerRequest({ expires: '0' }), NOBODY)).status, 200)
  let last = await closed
  // What the process before may have left untold is told first.
  if (basicsOf(last) !== 'open,closed') last = await stack.nextNotify()
  assert.equal(basicsOf(last), 'open,closed')
})

test('a watcher’s de-registration ends what it watches in every partition of every replica, before its 200', async () => {
  await using stack = await Stack.start('127.36.2.2', { isEmpty: true })
  await Promise.all([0, 1].map((index) => stack.replica(index).start()))
  await everythingServed(stack)
  const presentities = [ALICE, CAROL, MALLORY]
  for (const to of presentities) await stack.send(subscribeRequest({ to }), [BOB])
  await stack.send(subscribeRequest({ to: BOB }), [CAROL])
  const count = async () => {
    const counts = await Promise.all(
      [0, 1].map((index) => stack.replica(index).metric('rollcall_presence_subscriptions')),
    )
    return (counts[0] ?? 0) + (counts[1] ?? 0)
  }
  assert.equal(await count(), 4)
  const atMs = BigInt(Date.now())
  for (const to of [0, 1]) {
    const gone = registerRequest({ of: BOB, expires: '0' })
    assert.equal((await stack.send(gone, NOBODY, { to, envelope: { receivedAtMs: atMs } })).status, 200)
    assert.equal(await count(), 1, 'carol’s is there still')
  }
  // bob is back: what comes late of the end before that does him no harm.
  await stack.send(registerRequest({ of: BOB }), NOBODY)
  await stack.send(subscribeRequest(), [BOB])
  const late = registerRequest({ of: BOB, expires: '0' })
  assert.equal((await stack.send(late, NOBODY, { envelope: { receivedAtMs: atMs } })).status, 200)
  assert.equal(await count(), 2)
})

test('a replica that is stopped: no 200 before what it served has been taken over, and ended there', async () => {
  await using stack = await Stack.start('127.36.2.3', { isEmpty: true })
  await stack.replica(0).start()
  await stack.replica(1).startProcess()
  await everythingServed(stack)
  const presentities = [ALICE, CAROL, MALLORY]
  for (const to of presentities) await stack.send(subscribeRequest({ to }), [BOB])
  stack.replica(1).signal('SIGSTOP')
  for (;;) {
    const { status } = await stack.send(registerRequest({ of: BOB, expires: '0' }), NOBODY, { to: 0 })
    if (status === 200) break
    assert.equal(status, 503)
  }
  assert.equal(await stack.replica(0).metric('rollcall_presence_partitions_owned'), 16)
  assert.equal(await stack.replica(0).metric('rollcall_presence_subscriptions'), 0)
})

test('only an S-CSCF says who is registered, to this server, of users that there are (RFC 3261 section 10.3)', async () => {
  await using stack = await Stack.start('127.36.2.4')
  const status = async (request: SipRequest, role = 'scscf'): Promise<number> => {
    const response: SipResponse = await stack.send(request, NOBODY, { role })
    return response.status
  }
  assert.equal(await status(registerRequest(), 'presence'), 403)
  assert.equal(await status(registerRequest({ uri: 'sip:elsewhere.example' })), 404)
  assert.equal(await status(registerRequest({ of: 'sip:nobody@ims.example.com' as typeof ALICE })), 404)
  assert.equal(await status(registerRequest({ headers: [['Contact', '*']] })), 400)
  const two = ['<sip:a@b>', '<sip:c@d>'].map((value) => ['Contact', value] as const)
  assert.equal(await status(registerRequest({ headers: two })), 400)
  assert.equal(await status(registerRequest({ headers: [['Require', 'gruu']] })), 420)
  // What the HSS has forgotten may watch still, and its end is heard.
  assert.equal(await status(registerRequest({ of: 'sip:nobody@ims.example.com' as typeof ALICE, expires: '0' })), 200)
  assert.equal(await subscriptions(stack), 0)
  // A question, and an end by `*`.
  assert.equal(await status(registerRequest({ headers: [] })), 200)
  assert.equal(await status(registerRequest({ headers: [['Contact', '*']], expires: '0' })), 200)
})
