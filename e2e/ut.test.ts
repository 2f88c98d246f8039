import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Impu } from '@rollcall/core'
import { RollcallError } from '@rollcall/core'
import {
  type DocumentChange,
  memoryIsimStore,
  readXcapDiff,
  type Subscription,
  Ut,
  type UtSettings,
  userDocument,
  watchDocuments,
  XcapRefusedError,
} from '@rollcall/ue'
import type { UeName } from './story/people.ts'
import { waitFor } from './story/waiting.ts'
import { impuOf } from './story/world.ts'
import { TestNetwork } from './support/network.ts'

const RULES_TYPE = 'application/auth-policy+xml'
/** Changes that are acknowledged before somebody dies, and after his return. */
const CHANGES_EACH_SIDE = 8
const RECOVERY_MS_MAX = 60_000

let network: TestNetwork
const opened = new AsyncDisposableStack()

before(async () => {
  network = opened.use(await TestNetwork.start({ block: 47, stack: { replicas: { presence: 2 } } }))
})

after(async () => {
  await opened.disposeAsync()
})

async function ut(name: UeName, o: { identity?: Impu; settings?: Partial<UtSettings> } = {}): Promise<Ut> {
  const credentials = network.world.credentials[name]
  return opened.use(await Ut.open({ credentials, isimStore: memoryIsimStore(), ...o }))
}

function person(name: string): Impu {
  return impuOf(name, network.world.domain)
}

/** A ruleset that says which change it is. */
function rulesOf(change: number): Buffer {
  return Buffer.from(
    '<?xml version="1.0" encoding="UTF-8"?>\n<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" ' +
      'xmlns:pr="urn:ietf:params:xml:ns:pres-rules"><rule id="change"><conditions><identity>' +
      `<one id="sip:change-${change}@example.com"/></identity></conditions>` +
      '<actions><pr:sub-handling>allow</pr:sub-handling></actions></rule></ruleset>\n',
  )
}

function changeIn(body: Buffer): number {
  return Number(/sip:change-(\d+)@/.exec(body.toString())?.[1] ?? 0)
}

test('by digest in TLS and by PSK-TLS 1.2 and 1.3 a UE reaches its documents (TS 33.141 clause 5, TS 33.222 clause 5.3, TS 33.222 clause 5.4)', async () => {
  const { address } = network.stack.ut.ap ?? { address: '' }
  const ways: Partial<UtSettings>[] = [
    {},
    { tlsVersionMax: 'TLSv1.2' },
    { access: 'psk-tls12', ap: { address, port: 15_444 } },
    { access: 'psk-tls13', ap: { address, port: 15_445 } },
  ]
  for (const [index, settings] of ways.entries()) {
    await using bob = await ut('bob', { settings })
    const { etag } = await bob.rules.set(rulesOf(index))
    const read = await bob.rules.get()
    assert.deepEqual([read?.etag, changeIn(read?.body ?? Buffer.alloc(0))], [etag, index])
  }
})

test('two terminals change rules at once: no accepted change is lost, and both learn of it (RFC 4825 section 7.11, RFC 5875)', async () => {
  const terminals = ['alice-phone', 'alice-tablet'] as const
  const identity = person('alice')
  const rules = userDocument('pres-rules', identity, 'index')
  const watched = await Promise.all(
    terminals.map(async (name) => {
      const ue = await network.ue(name)
      await ue.register()
      return await ue.subscribe(watchDocuments(identity, [rules]))
    }),
  )
  const friends = terminals.map((name) => Array.from({ length: 8 }, (_, at) => person(`${name}-friend-${at}`)))
  await Promise.all(
    terminals.map(async (name, at) => {
      const terminal = await ut(name)
      for (const friend of friends[at] ?? []) await terminal.rules.setHandling(friend, 'allow')
    }),
  )
  const last = await (await ut('alice-phone')).rules.get()
  const allowed = last?.rules.filter(({ handling }) => handling === 'allow').flatMap(({ who }) => who) ?? []
  const named = allowed.map((who) => (who.kind === 'one' ? who.id : '')).toSorted()
  assert.deepEqual(named, friends.flat().toSorted())
  for (const subscription of watched) {
    const heard = await hearsUntil(subscription, last?.etag)
    // Each notification goes on from where the one before it ended: nothing was left out.
    for (const [at, { previousEtag }] of heard.entries()) {
      if (at > 0) assert.equal(previousEtag, heard[at - 1]?.newEtag)
    }
    await subscription.unsubscribe()
  }
})

/** What a terminal is told of the rules, until it knows the version that is there now. */
async function hearsUntil(subscription: Subscription, etag: string | undefined): Promise<DocumentChange[]> {
  const heard: DocumentChange[] = []
  for await (const { body } of subscription) {
    heard.push(...readXcapDiff(body))
    if (heard.at(-1)?.newEtag === etag) return heard
  }
  assert.fail(`it ended before ${etag} was told: ${JSON.stringify(heard)}`)
}

for (const victim of ['ap', 'bsf', 'presence'] as const) {
  test(`kill -9 of ${victim} amid PUTs: what was answered 2xx is there, and the UE goes on by itself`, async () => {
    const carol = await ut('carol', { settings: { timeoutMs: 3_000 } })
    let attempted = 0
    let acknowledged = 0
    const change = async (): Promise<void> => {
      attempted += 1
      // What is not answered may have come in: the very same once more does no harm.
      await waitFor(
        `change ${attempted} is taken`,
        async () => {
          try {
            await carol.rules.set(rulesOf(attempted))
            return true
          } catch (error) {
            if (!(error instanceof RollcallError)) throw error
            return undefined
          }
        },
        RECOVERY_MS_MAX,
      )
      acknowledged = attempted
      // Each needs a key of its own when the BSF is what dies.
      if (victim === 'bsf') await carol.bootstrap().catch(ignoreRefusals)
    }
    for (let i = 0; i < CHANGES_EACH_SIDE; i++) await change()
    const before = await carol.rules.get()
    assert.equal(changeIn(before?.body ?? Buffer.alloc(0)), acknowledged)
    const dying = network.stack.service(victim)
    const changing = (async () => {
      for (let i = 0; i < CHANGES_EACH_SIDE; i++) await change()
    })()
    await dying.kill('SIGKILL')
    dying.spawn()
    await dying.ready()
    await changing
    const read = await carol.rules.get()
    assert.equal(changeIn(read?.body ?? Buffer.alloc(0)), acknowledged)
    const bootstrapped = await carol.bootstrap()
    assert.ok(bootstrapped.expiresAtMs > Date.now())
  })
}

function ignoreRefusals(error: unknown): void {
  if (!(error instanceof RollcallError)) throw error
}

test('bad input is refused with what is wrong, and the rules stand (RFC 4825 section 11)', async () => {
  const bob = await ut('bob')
  await bob.rules.set(rulesOf(7))
  const document = userDocument('pres-rules', person('bob'), 'index')
  const laughs =
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' +
    '<ruleset xmlns="urn:ietf:params:xml:ns:common-policy">&b;</ruleset>'
  const outside =
    '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><ruleset xmlns="urn:ietf:params:xml:ns:common-policy">&x;</ruleset>'
  const bodies: readonly [Buffer, number, RegExp][] = [
    [Buffer.from(laughs), 409, /DOCTYPE|not-well-formed/],
    [Buffer.from(outside), 409, /DOCTYPE|not-well-formed/],
    [
      Buffer.from(`${'<a>'.repeat(2_000)}${'</a>'.repeat(2_000)}`),
      409,
      /not-well-formed|schema-validation-error|constraint-failure/,
    ],
    [Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0xfe, 0x3c, 0x2f, 0x61, 0x3e]), 409, /not-utf-8/],
    [Buffer.from('<other xmlns="urn:x"/>'), 409, /schema-validation-error/],
    [Buffer.concat([rulesOf(1), Buffer.alloc(100_000, ' ')]), 413, /./],
  ]
  for (const [body, status, message] of bodies) {
    const put = bob.xcap.put(document, { body, contentType: RULES_TYPE })
    await assert.rejects(put, (error: unknown) => {
      return error instanceof XcapRefusedError && error.status === status && message.test(error.message)
    })
  }
  const paths = ['pres-rules/users/..%2F..%2Fsip:alice/index', 'pres-rules/users/%2e%2e/index', 'nothing/users/x/index']
  for (const path of paths) {
    await assert.rejects(bob.xcap.get(path), (error: unknown) => {
      return error instanceof XcapRefusedError && [400, 403, 404].includes(error.status)
    })
  }
  const after = await bob.rules.get()
  assert.equal(changeIn(after?.body ?? Buffer.alloc(0)), 7)
})

test("another's tree is refused, in one's own name and in the other's (TS 24.109 clause 7.3)", async () => {
  const document = userDocument('pres-rules', person('alice'), 'index')
  for (const identity of [person('mallory'), person('alice')]) {
    const mallory = await ut('mallory', { identity })
    for (const attempt of [
      () => mallory.xcap.get(document),
      () => mallory.xcap.put(document, { body: rulesOf(1), contentType: RULES_TYPE }),
      () => mallory.xcap.delete(document),
    ]) {
      await assert.rejects(attempt(), { status: 403 })
    }
  }
})

test('nothing of this ended by itself', () => {
  assert.deepEqual(network.unexpectedEnds, [])
})
