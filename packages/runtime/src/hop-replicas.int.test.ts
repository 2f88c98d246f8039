import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { GrpcServer } from './grpc-server.ts'
import { startGrpcServer } from './grpc-server.ts'
import { createEnvelope } from './hop/envelope.ts'
import type { PartitionPlace } from './hop/forward-request.ts'
import { HopPeers } from './hop/peers.ts'
import { ReplicaForwarder } from './hop/replica-forwarder.ts'
import type { HopResult } from './hop/result.ts'
import { HopRouter } from './hop/router.ts'
import { createHopService, type HopRequestHandler } from './hop/service.ts'
import { responseBranch } from './hop/sip-scan.ts'
import { createTestDomain, type TestDomain, type TestRuntime, until } from './testing/test-domain.ts'

const address = '127.1.4.71'
const host = 'ims.mnc001.mcc001.3gppnetwork.org'
const PARTITION = 3

function request(branch: string, bytes = 0): Buffer {
  return Buffer.from(
    `PUBLISH sip:alice@${host} SIP/2.0\r\nVia: SIP/2.0/UDP pcscf;branch=${branch}\r\n\r\n${'x'.repeat(bytes)}`,
  )
}

function response(sip: Buffer, status = 200): Buffer {
  return Buffer.from(`SIP/2.0 ${status} OK\r\nVia: SIP/2.0/UDP pcscf;branch=${responseBranch(sip)}\r\n\r\n`)
}

async function listen(t: TestContext, runtime: TestRuntime, onRequest: HopRequestHandler, port = 0) {
  const server = await startGrpcServer({
    listen: `${address}:${port}`,
    services: [createHopService({ onRequest })],
    runtime,
  })
  t.after(() => server.stop(0))
  return server
}

async function routerTo(t: TestContext, domain: TestDomain, servers: readonly GrpcServer[]) {
  const runtime = await domain.runtime('pcscf')
  const targets = servers.map(({ port }) => `${address}:${port}`).join('|')
  const router = new HopRouter({ routes: `${host}=scscf@${targets}`, runtime })
  t.after(() => router.close(0))
  return { router, runtime }
}

function send(router: HopRouter, branch: string, bytes = 0): Promise<HopResult> {
  return new Promise((resolve) => {
    router.send(host, { sip: request(branch, bytes), branch, envelope: createEnvelope() }, (result) => {
      if (result.kind !== 'response' || result.status >= 200) resolve(result)
    })
  })
}

/** Sends some requests every few milliseconds until it is stopped; gives every result. */
function load(router: HopRouter): { readonly sent: number; stop(): Promise<HopResult[]> } {
  const results: Promise<HopResult>[] = []
  const timer = setInterval(() => {
    for (let i = 0; i < 10; i++) results.push(send(router, `z9hG4bK${results.length}`))
  }, 2)
  return {
    get sent() {
      return results.length
    },
    async stop() {
      clearInterval(timer)
      return await Promise.all(results)
    },
  }
}

function outcomes(results: readonly HopResult[]): string[] {
  return [...new Set(results.map((result) => (result.kind === 'response' ? String(result.status) : result.kind)))]
}

test('a target that dies under load loses no request that another one can take, and comes back', async (t) => {
  const domain = await createTestDomain(t, ['scscf', 'pcscf'])
  const counts = [0, 0]
  const answerer =
    (index: number): HopRequestHandler =>
    ({ sip }, _peer, reply) => {
      counts[index] = (counts[index] ?? 0) + 1
      setTimeout(() => reply(response(sip)), 5)
    }
  const runtime = await domain.runtime('scscf')
  const first = await listen(t, runtime, answerer(0))
  const second = await listen(t, await domain.runtime('scscf'), answerer(1))
  const { router, runtime: sender } = await routerTo(t, domain, [first, second])
  const under = load(router)
  await until(() => (counts[0] ?? 0) > 200 && (counts[1] ?? 0) > 200)
  await first.stop(0)
  const atDeath = under.sent
  await until(() => under.sent > atDeath + 500)
  await listen(t, runtime, answerer(0), first.port)
  const [before = 0] = counts
  await until(() => (counts[0] ?? 0) > before + 200)
  const results = await under.stop()
  assert.deepEqual(outcomes(results), ['200'])
  assert.ok((await sender.metric('rollcall_hop_resent_total{peer="scscf"}')) > 0)
})

/** Two replicas that share one partition: each says where it thinks that it is. */
async function setUpReplicas(t: TestContext) {
  const domain = await createTestDomain(t, ['scscf', 'pcscf'])
  const handled: { branch: string; by: number; peer: string; forwardedRole: string }[] = []
  const replicas = await Promise.all(
    [0, 1].map(async (index) => {
      const runtime = await domain.runtime('scscf')
      const peers = new HopPeers({ runtime })
      t.after(() => peers.close(0))
      const listeners = new Set<() => void>()
      const state: { place: PartitionPlace } = { place: { kind: 'moving' } }
      const forwarder = new ReplicaForwarder({
        role: 'scscf',
        peers,
        clock: runtime.clock,
        metrics: runtime.metrics,
        whereIs: () => state.place,
        onChange(listener) {
          listeners.add(listener)
          return () => void listeners.delete(listener)
        },
        parkMs: 1_500,
      })
      t.after(() => forwarder[Symbol.dispose]())
      const server = await listen(t, runtime, ({ sip, envelope }, peer, reply) => {
        const branch = responseBranch(sip) ?? ''
        forwarder.route({
          partition: PARTITION,
          sip,
          branch,
          envelope,
          from: 'pcscf',
          deadlineMs: envelope.deadlineMs,
          reply,
          here() {
            handled.push({ branch, by: index, peer: peer.role, forwardedRole: envelope.forwardedRole })
            reply(response(sip))
          },
          unavailable: (_why, answer) => reply(response(sip, 503), answer),
        })
      })
      return {
        server,
        runtime,
        forwarder,
        move(place: PartitionPlace) {
          state.place = place
          for (const listener of [...listeners]) listener()
        },
      }
    }),
  )
  const [a, b] = replicas
  assert.ok(a && b)
  const at = ({ server }: { server: GrpcServer }): PartitionPlace => ({
    kind: 'at',
    member: { target: `${address}:${server.port}` },
  })
  return { domain, handled, a, b, at }
}

test('what comes to one replica and belongs to another is forwarded once, and answered', async (t) => {
  const { domain, handled, a, b, at } = await setUpReplicas(t)
  a.move(at(b))
  b.move({ kind: 'here' })
  const { router } = await routerTo(t, domain, [a.server])
  const results = await Promise.all(Array.from({ length: 200 }, (_, i) => send(router, `b${i}`)))
  assert.deepEqual(outcomes(results), ['200'])
  assert.equal(handled.length, 200)
  assert.ok(handled.every(({ by, peer, forwardedRole }) => by === 1 && peer === 'scscf' && forwardedRole === 'pcscf'))
  assert.equal(await a.runtime.metric('rollcall_hop_forwarded_total{outcome="response"}'), 200)
})

test('a partition that moves to and fro under load fails no request', async (t) => {
  const { domain, handled, a, b, at } = await setUpReplicas(t)
  const { router } = await routerTo(t, domain, [a.server, b.server])
  b.move({ kind: 'here' })
  a.move(at(b))
  const under = load(router)
  for (let round = 0; round < 4; round++) {
    const [from, to] = round % 2 === 0 ? [b, a] : [a, b]
    const { sent } = under
    await until(() => under.sent > sent + 200)
    from.move({ kind: 'moving' })
    await delay(30)
    to.move({ kind: 'here' })
    // The others hear of it a little later than the one who has it.
    await delay(30)
    from.move(at(to))
  }
  const results = await under.stop()
  assert.deepEqual(outcomes(results), ['200'])
  assert.equal(handled.length, results.length)
  assert.equal(new Set(handled.map(({ branch }) => branch)).size, results.length)
  assert.ok(handled.some(({ by }) => by === 0) && handled.some(({ by }) => by === 1))
})

test('two replicas that each think the other has it do not send it round: 503 in time', async (t) => {
  const { domain, handled, a, b, at } = await setUpReplicas(t)
  a.move(at(b))
  b.move(at(a))
  const { router } = await routerTo(t, domain, [a.server])
  const begin = performance.now()
  const result = await send(router, 'a')
  assert.ok(result.kind === 'response' && result.status === 503)
  assert.ok(performance.now() - begin < 3_000)
  assert.deepEqual(handled, [])
  assert.ok((await a.runtime.metric('rollcall_hop_forwarded_total{outcome="misdirected"}')) >= 2)
  assert.ok((await b.runtime.metric('rollcall_hop_unplaced_total{why="second-forward"}')) >= 2)
  assert.equal(await b.runtime.metric('rollcall_hop_forwarded_total{outcome="response"}'), 0)
})

test('an owner that dies with requests unanswered: they go to its successor', async (t) => {
  const { domain, handled, a, b, at } = await setUpReplicas(t)
  const stuck: string[] = []
  const owner = await listen(t, await domain.runtime('scscf'), ({ sip }) => {
    stuck.push(responseBranch(sip) ?? '')
  })
  a.move(at({ server: owner }))
  const { router } = await routerTo(t, domain, [a.server])
  const results = Array.from({ length: 50 }, (_, i) => send(router, `b${i}`))
  await until(() => stuck.length === 50)
  await owner.stop(0)
  b.move({ kind: 'here' })
  a.move(at(b))
  assert.deepEqual(outcomes(await Promise.all(results)), ['200'])
  assert.equal(handled.length, 50)
})

test('a replica that is not open yet gets nothing, and its part as soon as it is', async (t) => {
  const domain = await createTestDomain(t, ['scscf', 'pcscf'])
  const received = [0, 0]
  let isOpen = false
  const starting = await domain.runtime('scscf')
  const servers = await Promise.all(
    received.map(async (_, i) => {
      const onRequest: HopRequestHandler = ({ sip }, _peer, reply) => {
        received[i] = (received[i] ?? 0) + 1
        reply(response(sip))
      }
      const service = createHopService({ onRequest, isOpen: () => i === 0 || isOpen })
      const runtime = i === 0 ? await domain.runtime('scscf') : starting
      const server = await startGrpcServer({ listen: `${address}:0`, services: [service], runtime })
      t.after(() => server.stop(0))
      return server
    }),
  )
  const { router } = await routerTo(t, domain, servers)
  const under = load(router)
  const refused = (): Promise<number> => starting.metric('rollcall_hop_streams_total{peer="pcscf",event="not-open"}')
  await until(async () => (await refused()) >= 2 && (received[0] ?? 0) >= 200)
  assert.equal(received[1], 0)
  isOpen = true
  await until(() => (received[1] ?? 0) >= 50)
  assert.deepEqual(outcomes(await under.stop()), ['200'])
})

test('a receiver that takes nothing: what was withdrawn meanwhile never reaches it', async (t) => {
  const domain = await createTestDomain(t, ['scscf', 'pcscf'])
  const received: string[] = []
  const waiting: (() => void)[] = []
  let isReading = false
  const server = await startGrpcServer({
    listen: `${address}:0`,
    services: [
      createHopService({
        pendingMax: 10,
        onRequest({ sip }, _peer, reply) {
          received.push(responseBranch(sip) ?? '')
          if (isReading) reply(response(sip))
          else waiting.push(() => reply(response(sip)))
        },
      }),
    ],
    runtime: await domain.runtime('scscf'),
  })
  t.after(() => server.stop(0))
  const { router } = await routerTo(t, domain, [server])
  let mayLeave = true
  const left: string[] = []
  const results = Array.from(
    { length: 4_000 },
    (_, i) =>
      new Promise<HopResult>((resolve) => {
        const branch = `b${i}`
        router.send(host, { sip: request(branch, 10_000), branch, envelope: createEnvelope() }, resolve, {
          mayLeave() {
            if (mayLeave) left.push(branch)
            return mayLeave
          },
        })
      }),
  )
  await until(() => received.length >= 10)
  // Until the stream is full, and nothing moves any more.
  for (let before = -1; before !== left.length; await delay(100)) before = left.length
  assert.ok(left.length < 4_000, 'the stream never filled')
  mayLeave = false
  isReading = true
  for (const answer of waiting.splice(0)) answer()
  const kinds = (await Promise.all(results)).map(({ kind }) => kind)
  assert.deepEqual(received, left)
  assert.equal(kinds.filter((kind) => kind === 'withdrawn').length, 4_000 - left.length)
})
