import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseImpi, parseImpu, systemClock, systemRandom } from '@rollcall/core'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { createLogger } from '@rollcall/runtime'
import { connectStore, createSealingKeys, FencedError } from '@rollcall/store'
import type { PartitionLostError } from '../errors.ts'
import { ALICE, ALICE_IMPI, DOMAIN } from '../testing/messages.ts'
import { until } from '../testing/stack.ts'
import { TokenKeyRing } from '../token/token-key-ring.ts'
import type { Contact } from './contact.ts'
import { ContactTable } from './contact-table.ts'
import { PcscfLog } from './pcscf-log.ts'

const ADDRESS = '127.1.7.2'
const ID = Buffer.alloc(16, 9)

let store: TestStore
let keysFile: string

before(async () => {
  store = await startTestStore({ address: ADDRESS, services: ['pcscf'] })
  keysFile = await store.sealingKeysFile('pcscf')
})

after(() => store.stop())

function contact(expiresInMs = 60_000): Contact {
  return {
    registrationId: ID,
    impi: parseImpi(ALICE_IMPI),
    instance: '',
    contactUri: 'sip:127.0.1.1:15064',
    impus: [parseImpu(ALICE)],
    associatedUris: [ALICE],
    serviceRoute: [],
    charging: { functions: [], termIoi: '' },
    path: '<sip:x@y;lr>',
    expiresAtMs: Date.now() + expiresInMs,
  }
}

interface Opened extends AsyncDisposable {
  readonly log: PcscfLog
  readonly contacts: ContactTable
  readonly tokens: TokenKeyRing
  readonly lost: PartitionLostError[]
}

/** A log that is being opened, as a P-CSCF process of its own would. */
function openLog(partition: string, o: { sealingKeysFile?: string; rotateMs?: number } = {}): Opened {
  const contacts = new ContactTable()
  const tokens = new TokenKeyRing()
  const lost: PartitionLostError[] = []
  const log = new PcscfLog({
    url: store.url,
    tls: store.tlsFor('pcscf'),
    realm: DOMAIN,
    partition,
    sealingKeysFile: o.sealingKeysFile ?? keysFile,
    tokenKeyRotateMs: o.rotateMs ?? 3_600_000,
    clock: systemClock,
    random: systemRandom,
    log: createLogger({ service: 'pcscf', level: 'silent' }),
    contacts,
    tokens,
    onOpen: () => {},
    onLost: (error) => void lost.push(error),
  })
  log.start()
  return { log, contacts, tokens, lost, [Symbol.asyncDispose]: () => log[Symbol.asyncDispose]() }
}

async function usable({ log, tokens }: Opened): Promise<void> {
  await until(() => log.isAvailable && !tokens.isEmpty, 'the log is open')
}

test('contacts and token keys are there after a restart, what was removed or has expired is not (readings, Access 3)', async () => {
  let token: string
  {
    await using first = openLog('pcscf-a')
    assert.equal(first.log.isAvailable, false)
    await usable(first)
    assert.equal(first.log.problem, undefined)
    const other = Buffer.alloc(16, 1)
    const late = Buffer.alloc(16, 2)
    await first.log.append({ kind: 'contact-bound', contact: contact() }, '')
    await first.log.append(
      { kind: 'contact-bound', contact: { ...contact(), instance: 'b', registrationId: other } },
      '',
    )
    await first.log.append({ kind: 'contact-removed', registrationId: other, reason: 'unregistered' }, '')
    const ended = { ...contact(-31_000), instance: 'c', registrationId: late }
    await first.log.append({ kind: 'contact-bound', contact: ended }, '')
    token = first.tokens.make(ID) ?? ''
  }
  await using second = openLog('pcscf-a')
  await usable(second)
  assert.equal(second.contacts.size, 1)
  assert.deepEqual(second.contacts.findById(ID, Date.now())?.impus, [ALICE])
  assert.deepEqual(second.tokens.read(token), { ok: true, registrationId: ID })
  assert.equal(second.tokens.make(ID), token)
})

test('a token key is followed by the next one in its time, and both are in the log', async () => {
  let first: string
  let second: string
  {
    await using opened = openLog('pcscf-b', { rotateMs: 1_500 })
    await usable(opened)
    first = opened.tokens.make(ID) ?? ''
    await until(() => opened.tokens.make(ID) !== first, 'the key is rotated')
    second = opened.tokens.make(ID) ?? ''
    assert.ok(opened.tokens.read(first).ok)
  }
  await using again = openLog('pcscf-b')
  await usable(again)
  assert.equal(again.tokens.make(ID), second)
  assert.ok(again.tokens.read(first).ok)
})

test('with other sealing keys the log is not used, the reason is named, and no new key is made', async () => {
  let token: string
  {
    await using opened = openLog('pcscf-c')
    await usable(opened)
    token = opened.tokens.make(ID) ?? ''
  }
  const foreignKeys = join(store.folder, 'foreign-sealing-keys.json')
  await writeFile(foreignKeys, createSealingKeys(systemRandom), { mode: 0o600 })
  {
    await using wrong = openLog('pcscf-c', { sealingKeysFile: foreignKeys })
    await until(() => wrong.log.problem === 'SEALED_RECORD', 'the problem is named')
    assert.equal(wrong.log.isLoaded, false)
  }
  await rm(foreignKeys)
  await using right = openLog('pcscf-c')
  await usable(right)
  assert.equal(right.tokens.make(ID), token)
})

test('after the sealing key is changed and all is sealed anew, the old key may go (packages/store, Rotation)', async () => {
  const [hash, k1, k2] = [1, 2, 3].map(() => systemRandom.bytes(32).toString('base64'))
  const rotating = join(store.folder, 'rotating-sealing-keys.json')
  const use = (current: string, keys: object): Promise<void> =>
    writeFile(rotating, JSON.stringify({ current, hash: 'hash', keys: { hash, ...keys } }), { mode: 0o600 })
  await use('k1', { k1 })
  let token: string
  {
    await using opened = openLog('pcscf-e', { sealingKeysFile: rotating })
    await usable(opened)
    token = opened.tokens.make(ID) ?? ''
  }
  await use('k2', { k1, k2 })
  {
    await using rotated = openLog('pcscf-e', { sealingKeysFile: rotating })
    await usable(rotated)
    assert.equal(rotated.tokens.make(ID), token)
    await until(() => rotated.log.isResealed, 'all is sealed anew')
  }
  await use('k2', { k2 })
  await using after = openLog('pcscf-e', { sealingKeysFile: rotating })
  await usable(after)
  assert.equal(after.tokens.make(ID), token)
})

test('a log that has grown is shortened by a snapshot, and the next start reads contacts and token keys from it', async () => {
  const stream = async (): Promise<number> => {
    const connection = await connectStore({
      url: store.url,
      tls: store.tlsFor('pcscf'),
      service: 'pcscf',
      clock: systemClock,
    })
    const answer = await connection.requests.request('$JS.API.STREAM.INFO.pcscf_log', Buffer.alloc(0), {
      timeoutMs: 5_000,
    })
    await connection.close()
    return answer.json<{ state: { bytes: number } }>().state.bytes
  }
  const before = await stream()
  let token: string
  {
    await using opened = openLog('pcscf-f')
    await usable(opened)
    token = opened.tokens.make(ID) ?? ''
    const large = { ...contact(), path: `<sip:${'x'.repeat(100_000)}@y;lr>` }
    let peak = 0
    for (let n = 0; n < 100; n += 1) {
      // As a registration does: in memory first, then in the log.
      opened.contacts.bind(large)
      await opened.log.append({ kind: 'contact-bound', contact: large }, '')
      if (n % 10 === 0) peak = Math.max(peak, await stream())
    }
    const after = await stream()
    assert.ok(after < peak && after - before < 9_000_000, `${before}, at most ${peak}, then ${after} octets`)
  }
  await using again = openLog('pcscf-f')
  await usable(again)
  assert.equal(again.contacts.size, 1)
  assert.deepEqual(again.contacts.findById(ID, Date.now())?.impus, [ALICE])
  assert.equal(again.tokens.make(ID), token)
})

test('who starts a second P-CSCF under the same name takes its log away; the first one hears of it and writes no more', async () => {
  await using first = openLog('pcscf-d')
  await usable(first)
  await using second = openLog('pcscf-d')
  await usable(second)
  await assert.rejects(first.log.append({ kind: 'contact-bound', contact: contact() }, ''), FencedError)
  await until(() => first.lost.length === 1, 'the loss is told')
  assert.equal(first.log.isAvailable, false)
  assert.equal(first.log.problem, 'PCSCF_PARTITION_LOST')
  await second.log.append({ kind: 'contact-bound', contact: contact() }, '')
})

test('an account without our stream is named as the problem, looked at again, and left as it is', async () => {
  await using other = await startTestStore({ address: '127.1.7.3', services: ['hss', 'pcscf'] })
  const stranger = new PcscfLog({
    url: other.url,
    tls: other.tlsFor('hss'),
    realm: DOMAIN,
    partition: 'pcscf-0',
    sealingKeysFile: keysFile,
    tokenKeyRotateMs: 3_600_000,
    clock: systemClock,
    random: systemRandom,
    log: createLogger({ service: 'pcscf', level: 'silent' }),
    contacts: new ContactTable(),
    tokens: new TokenKeyRing(),
    onOpen: () => {},
    onLost: () => {},
  })
  stranger.start()
  await until(() => /^STORE_/.test(stranger.problem ?? ''), 'the problem is named')
  assert.equal(stranger.isAvailable, false)
  assert.equal(stranger.isLoaded, false)
  await stranger[Symbol.asyncDispose]()
})
