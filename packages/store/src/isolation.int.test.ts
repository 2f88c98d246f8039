import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, headers, type Msg } from '@nats-io/transport-node'
import { systemClock } from '@rollcall/core'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { connectStore, type StoreConnection } from './connection.ts'
import { StoreDeniedError, StoreUnavailableError } from './errors.ts'
import { KeyValue } from './kv/key-value.ts'
import { HSS_BUCKET, storeAdminRole } from './layout.ts'
import { connectTo, openLogs } from './testing/store-client.ts'

/** What must not be seen outside of the HSS's account. */
const SECRET = 'K of alice'
const NOTHING = Buffer.alloc(0)
const ANSWER_MS_MAX = 300

async function startWithSecret(o: { address: string; editConfig?: (text: string) => string }): Promise<TestStore> {
  const store = await startTestStore({ ...o, services: ['hss', 'presence'] })
  await using connection = await connectTo(store, 'hss')
  const kv = await KeyValue.open({ connection, bucket: HSS_BUCKET })
  await kv.create('subscriber.alice', Buffer.from(SECRET))
  return store
}

interface Try {
  readonly what: string
  readonly subject: string
  readonly body: unknown
}

/** Every door of JetStream's API to the HSS's stream, from somewhere that is not the HSS. */
function triesOn(stream: string, inbox: string): Try[] {
  const api = '$JS.API'
  const subject = '$KV.hss.subscriber.alice'
  const consumer = { stream_name: stream, config: { ack_policy: 'none', deliver_policy: 'all', name: 'c' } }
  const pushing = { ...consumer, config: { ...consumer.config, deliver_subject: inbox } }
  const mirror = { name: 'thief', storage: 'file', mirror: { name: stream } }
  const external = { api: 'HSS.JS.API', deliver: inbox }
  return [
    { what: 'direct get', subject: `${api}.DIRECT.GET.${stream}`, body: { last_by_subj: subject } },
    { what: 'direct get by subject', subject: `${api}.DIRECT.GET.${stream}.${subject}`, body: undefined },
    { what: 'direct batch', subject: `${api}.DIRECT.GET.${stream}`, body: { seq: 1, batch: 10, next_by_subj: '>' } },
    { what: 'message get', subject: `${api}.STREAM.MSG.GET.${stream}`, body: { seq: 1 } },
    { what: 'stream info', subject: `${api}.STREAM.INFO.${stream}`, body: undefined },
    { what: 'pull consumer', subject: `${api}.CONSUMER.CREATE.${stream}.c`, body: consumer },
    { what: 'next of a consumer', subject: `${api}.CONSUMER.MSG.NEXT.${stream}.c`, body: { batch: 1 } },
    { what: 'push consumer into another’s inbox', subject: `${api}.CONSUMER.CREATE.${stream}.p`, body: pushing },
    { what: 'mirror', subject: `${api}.STREAM.CREATE.thief`, body: mirror },
    {
      what: 'mirror with an external API',
      subject: `${api}.STREAM.CREATE.thief2`,
      body: { ...mirror, name: 'thief2', mirror: { name: stream, external } },
    },
    {
      what: 'source',
      subject: `${api}.STREAM.CREATE.thief3`,
      body: { name: 'thief3', storage: 'file', sources: [{ name: stream }] },
    },
    { what: 'snapshot', subject: `${api}.STREAM.SNAPSHOT.${stream}`, body: { deliver_subject: inbox } },
    { what: 'purge', subject: `${api}.STREAM.PURGE.${stream}`, body: {} },
    { what: 'delete of a message', subject: `${api}.STREAM.MSG.DELETE.${stream}`, body: { seq: 1 } },
    { what: 'delete of the stream', subject: `${api}.STREAM.DELETE.${stream}`, body: undefined },
    { what: 'write', subject, body: 'mine' },
  ]
}

type Outcome = 'denied' | 'nobody there' | 'refused by JetStream' | 'accepted'

async function outcomeOf(connection: StoreConnection, each: Try): Promise<Outcome> {
  const body = each.body === undefined ? NOTHING : Buffer.from(JSON.stringify(each.body))
  let answer: Msg
  try {
    answer = await connection.requests.request(each.subject, body, { headers: headers(), timeoutMs: ANSWER_MS_MAX })
  } catch (error) {
    if (error instanceof StoreDeniedError) return 'denied'
    if (error instanceof StoreUnavailableError) return 'nobody there'
    throw error
  }
  const text = answer.string()
  assert.ok(!text.includes(SECRET) && !text.includes(Buffer.from(SECRET).toString('base64')), each.what)
  return /"error"/.test(text) || (answer.headers?.code ?? 200) >= 400 ? 'refused by JetStream' : 'accepted'
}

async function assertIntact(store: TestStore): Promise<void> {
  await using connection = await connectTo(store, 'hss')
  const kv = await KeyValue.open({ connection, bucket: HSS_BUCKET })
  assert.equal((await kv.get('subscriber.alice'))?.value.toString(), SECRET)
}

test('the Presence Server is denied every door to the HSS’s data (ARCHITECTURE decision 10)', async () => {
  await using store = await startWithSecret({ address: '127.1.3.17' })
  await using connection = await connectTo(store, 'presence')
  for (const each of triesOn('KV_hss', '_INBOX_hss.stolen')) {
    assert.equal(await outcomeOf(connection, each), 'denied', each.what)
  }
  await assertIntact(store)
})

test('the Presence Server makes no stream and no consumer on its own either', async () => {
  await using store = await startWithSecret({ address: '127.1.3.18' })
  await using connection = await connectTo(store, 'presence')
  await (await openLogs(connection)).take(0, () => {})
  const allowed = new Set([
    'direct get',
    'direct get by subject',
    'direct batch',
    'message get',
    'stream info',
    'purge',
  ])
  for (const each of triesOn('presence_log_0', '_INBOX_presence.mine')) {
    const outcome = await outcomeOf(connection, each)
    if (!allowed.has(each.what)) assert.equal(outcome, 'denied', each.what)
    if (each.what === 'message get') assert.equal(outcome, 'accepted', 'these doors are real: its own data comes out')
  }
})

test('who may create streams in one account mirrors or sources nothing of another', async () => {
  await using store = await startWithSecret({ address: '127.1.3.19' })
  await using admin = await connectStore({
    url: store.url,
    tls: store.tlsFor(storeAdminRole('presence')),
    service: 'storeadmin',
    clock: systemClock,
  })
  for (const each of triesOn('KV_hss', '_INBOX_storeadmin.stolen')) {
    const outcome = await outcomeOf(admin, each)
    const isCreation = /STREAM\.(CREATE|INFO)/.test(each.subject)
    if (!isCreation) assert.equal(outcome, 'denied', each.what)
  }
  await assertNothingArrived(admin)
  await assertIntact(store)
})

test('the account alone is the wall: with every permission in its own one, no HSS message comes over', async () => {
  const openDoors = (config: string) => config.replace(/( +)"presence\.>"\n/, '$1">"\n')
  await using store = await startWithSecret({ address: '127.1.3.20', editConfig: openDoors })
  await using connection = await connectTo(store, 'presence')
  await (await openLogs(connection)).take(0, () => {})
  await using victim = await connect({
    servers: store.url,
    inboxPrefix: '_INBOX_hss',
    tls: { ...store.tlsFor('hss'), handshakeFirst: true },
  })
  const inbox = '_INBOX_hss.stolen'
  const arrived: string[] = []
  victim.subscribe(inbox, { callback: (_, message) => void arrived.push(message.subject) })
  await victim.flush()

  const accepted: string[] = []
  for (const each of triesOn('KV_hss', inbox)) {
    const outcome = await outcomeOf(connection, each)
    assert.notEqual(outcome, 'denied', `${each.what}: the test must reach the account’s wall`)
    if (outcome === 'accepted') accepted.push(each.what)
  }
  assert.deepEqual(
    accepted.filter((what) => !/^(mirror|source)/.test(what)),
    [],
  )
  assert.ok(accepted.includes('source'), 'a stream that names another account’s is accepted, and stays empty')
  await assertNothingArrived(connection)

  const own = triesOn('presence_log_0', inbox).filter(({ what }) => what.startsWith('push consumer'))
  for (const each of own) assert.equal(await outcomeOf(connection, each), 'accepted', each.what)
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.deepEqual(arrived, [], 'a consumer cannot deliver into an inbox of another account')
  await assertIntact(store)
})

/** Mirrors and sources may be accepted; they stay empty. */
async function assertNothingArrived(connection: StoreConnection): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 500))
  for (const name of ['thief', 'thief2', 'thief3']) {
    const answer = await connection.requests.request(`$JS.API.STREAM.INFO.${name}`, NOTHING, { timeoutMs: 2_000 })
    const info = answer.json<{ state?: { messages: number } }>()
    assert.equal(info.state?.messages ?? 0, 0, name)
  }
}
