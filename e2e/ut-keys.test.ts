import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Clock, systemClock } from '@rollcall/core'
import { leafFiles } from '@rollcall/pki'
import { SubscriberAdminServiceClient } from '@rollcall/proto-gen/admin'
import { callUnary, createGrpcClient } from '@rollcall/runtime'
import { BSF_CONTEXTS_BUCKET, connectStore, KeyValue } from '@rollcall/store'
import { memoryIsimStore, Ut, type UtSettings } from '@rollcall/ue'
import type { UeName } from './story/people.ts'
import { waitFor } from './story/waiting.ts'
import { TestNetwork } from './support/network.ts'

/** Longer than the margin that a UE keeps before the end of a key. */
const LIFETIME_SECONDS = 4
/** The ways of a UE to the proxy; each learns by another sign that its key is of no use any more. */
const WAYS = [
  ['digest in TLS', {}],
  ['PSK-TLS 1.2', { access: 'psk-tls12', port: 15_444 }],
  ['PSK-TLS 1.3', { access: 'psk-tls13', port: 15_445 }],
] as const

let network: TestNetwork
const opened = new AsyncDisposableStack()

before(async () => {
  network = opened.use(await TestNetwork.start({ block: 54, isTraced: false }))
})

after(async () => {
  await opened.disposeAsync()
})

/** A clock that stands still: its UE never knows by itself that a key has ended. */
function stoppedClock(): Clock {
  const nowMs = Date.now()
  return { now: () => nowMs, monotonic: () => performance.now(), setTimer: systemClock.setTimer.bind(systemClock) }
}

async function ut(name: UeName, way: (typeof WAYS)[number][1], clock?: Clock): Promise<Ut> {
  const { address } = network.stack.ut.ap ?? { address: '' }
  const settings: Partial<UtSettings> =
    'access' in way ? { access: way.access, ap: { address, port: way.port } } : { timeoutMs: 10_000 }
  const credentials = network.world.credentials[name]
  return opened.use(await Ut.open({ credentials, isimStore: memoryIsimStore(), settings, ...(clock && { clock }) }))
}

async function refusals(reason: string): Promise<number> {
  const response = await fetch(`http://${network.stack.probe('ap')}/metrics`)
  const line = (await response.text()).split('\n').find((one) => one.includes(`ap_refused_total{reason="${reason}"}`))
  return Number(line?.split(' ').at(-1) ?? 0)
}

/** The BSF loses every context, and the proxy every key that it kept. */
async function forgetKeys(): Promise<void> {
  const connection = await connectStore({
    url: network.stack.natsUrl,
    tls: leafFiles(network.data.pki, 'bsf'),
    service: 'bsf',
    clock: systemClock,
  })
  try {
    const contexts = await KeyValue.open({ connection, bucket: BSF_CONTEXTS_BUCKET })
    for await (const key of contexts.keys('context')) {
      const entry = await contexts.get(key)
      if (entry) await contexts.delete(key, entry.revision)
    }
  } finally {
    await connection.close()
  }
  const proxy = network.stack.service('ap')
  await proxy.kill('SIGKILL')
  proxy.spawn()
  await proxy.ready()
}

for (const [way, settings] of WAYS) {
  test(`a UE whose B-TID nobody knows any more bootstraps anew by itself, by ${way} (TS 24.109 clause 5.2.5, TS 24.109 clause 5.3.3.4, TS 33.220 clause 4.5.3)`, async () => {
    const bob = await ut('bob', settings)
    await bob.rules.get()
    const before = bob.bootstrapped?.btid
    assert.ok(before)
    await forgetKeys()
    await bob.rules.get()
    assert.notEqual(bob.bootstrapped?.btid, before)
    if (way === 'digest in TLS') assert.ok((await refusals('key-unknown')) >= 1)
  })
}

test('a UE whose key has ended at the NAF bootstraps anew by itself, as often as it ends (TS 33.220 clause 4.4.6, TS 33.220 clause 4.5.3, TS 24.109 clause 5.2.5)', async () => {
  using identity = await network.stack.identity('operator')
  const client = createGrpcClient(SubscriberAdminServiceClient, {
    target: network.stack.grpcTarget('hss'),
    role: 'hss',
    identity,
  })
  const { impi } = network.world.credentials.carol
  try {
    const { guss } = await callUnary(client.getGuss.bind(client), { impi })
    assert.ok(guss)
    await callUnary(client.setGuss.bind(client), { impi, guss: { ...guss, lifetimeSeconds: LIFETIME_SECONDS } })
  } finally {
    client.close()
  }
  const carol = await ut('carol', {}, stoppedClock())
  for (let n = 0; n < 2; n += 1) {
    await carol.rules.get()
    const before = carol.bootstrapped?.btid
    assert.ok(before)
    await waitFor('another key', async () => {
      await carol.rules.get()
      return carol.bootstrapped?.btid === before ? undefined : true
    })
  }
  assert.ok((await refusals('key-unknown')) >= 2)
})

test('nothing of this ended by itself', () => {
  assert.deepEqual(network.unexpectedEnds, [])
})
