import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headers, type Msg, type MsgHdrs, MsgHdrsImpl } from '@nats-io/transport-node'
import { LogCorruptError, StoreUnavailableError } from '../errors.ts'
import { EXPECTED_LAST_SUBJECT_SEQUENCE } from '../jetstream-api.ts'
import { ScriptedLink } from '../testing/scripted-link.ts'
import type { ChainStart } from './chain.ts'
import { loadLog } from './load-log.ts'
import { encodeLogMessage, type LogMessageKind } from './log-message.ts'

interface Stored {
  readonly sequence: number
  readonly data: Buffer
  readonly expected?: number
}

function stored(
  sequence: number,
  kind: LogMessageKind,
  o: { epoch?: number; number?: number; expected?: number; text?: string; record?: Buffer } = {},
): Stored {
  const data = encodeLogMessage({
    kind,
    epoch: BigInt(o.epoch ?? 0),
    number: BigInt(o.number ?? 0),
    records: [{ record: o.record ?? Buffer.from(o.text ?? '') }],
  })
  return { sequence, data, ...(o.expected !== undefined && { expected: o.expected }) }
}

/** Answers each batch with what a replica has by then, from the sequence that was asked for. */
function linkWith(replicas: readonly (readonly Stored[] | 'lost')[]): ScriptedLink {
  const link = new ScriptedLink()
  let round = 0
  link.requests.requestMany = async (_subject, payload, o) => {
    const replica = replicas[Math.min(round, replicas.length - 1)]
    round += 1
    if (replica === 'lost' || !replica) throw new StoreUnavailableError('disconnected', 'open')
    const { seq } = JSON.parse(Buffer.from(payload).toString()) as { seq: number }
    const found = replica.filter(({ sequence }) => sequence >= seq)
    for (const each of found) o.onMessage(messageOf(fieldsOf(each), each.data))
    const end = new MsgHdrsImpl(found.length === 0 ? 404 : 204, found.length === 0 ? 'Message Not Found' : 'EOB')
    assert.equal(o.onMessage(messageOf(end, Buffer.alloc(0))), true)
  }
  return link
}

function fieldsOf(each: Stored): MsgHdrs {
  const fields = headers()
  fields.set('Nats-Sequence', String(each.sequence))
  fields.set('Nats-Subject', 's')
  if (each.expected !== undefined) fields.set(EXPECTED_LAST_SUBJECT_SEQUENCE, String(each.expected))
  return fields
}

function messageOf(fields: MsgHdrs, data: Buffer): Msg {
  return {
    subject: '',
    sid: 0,
    data,
    headers: fields,
    respond: () => false,
    json: () => assert.fail(),
    string: () => '',
  }
}

async function load(
  link: ScriptedLink,
  epochSequence: number,
  start: ChainStart = { kind: 'epoch' },
): Promise<string[]> {
  const loaded: string[] = []
  const loading = loadLog(link, {
    stream: 'S',
    subject: 's',
    start,
    epochSequence,
    load: ({ record }) => void loaded.push(record.toString()),
  })
  let isEnded = false
  const ended = loading.finally(() => {
    isEnded = true
  })
  ended.catch(() => {})
  while (!isEnded) await link.pass(20)
  await ended
  return loaded
}

const LOG = [
  stored(1, 'epoch'),
  stored(2, 'records', { epoch: 1, number: 1, expected: 1, text: 'a' }),
  stored(5, 'records', { epoch: 1, number: 2, expected: 2, text: 'b' }),
  stored(6, 'epoch'),
  stored(9, 'records', { epoch: 6, number: 1, expected: 6, text: 'c' }),
  stored(12, 'epoch'),
]

test('loads up to the own epoch message, and not what a later owner wrote', async () => {
  assert.deepEqual(await load(linkWith([LOG]), 12), ['a', 'b', 'c'])
  assert.deepEqual(await load(linkWith([LOG]), 6), ['a', 'b'])
})

test('a replica that lags is asked again until the epoch message is there (docs/decisions/001)', async () => {
  const lagging = [[], LOG.slice(0, 3), 'lost', LOG.slice(0, 5), LOG] as const
  assert.deepEqual(await load(linkWith(lagging), 12), ['a', 'b', 'c'])
})

test('a log that lost its beginning is refused: without a snapshot it must begin with an epoch message', async () => {
  const lost: [Stored[], ChainStart, bigint][] = [
    [LOG.slice(2), { kind: 'epoch' }, 5n],
    // An epoch message comes first, but an owner of before is known.
    [LOG.slice(3), { kind: 'epoch', sequenceMax: 1 }, 6n],
  ]
  for (const [log, start, sequence] of lost) {
    await assert.rejects(load(linkWith([log]), 12, start), (error) => {
      assert.ok(error instanceof LogCorruptError)
      assert.equal(error.sequence, sequence)
      return true
    })
  }
  assert.deepEqual(await load(linkWith([LOG]), 12, { kind: 'epoch', sequenceMax: 1 }), ['a', 'b', 'c'])
})

const ID = '0123456789abcdef0123456789abcdef'
const MARKED = [
  ...LOG.slice(0, 3),
  stored(6, 'mark', { epoch: 1, number: 3, expected: 5, record: Buffer.from(ID, 'hex') }),
  stored(8, 'records', { epoch: 1, number: 4, expected: 6, text: 'd' }),
  stored(12, 'epoch'),
]
const MARK: ChainStart = { kind: 'mark', sequence: 6, epoch: 1, id: ID }

test('a log with a snapshot is read from its mark on, whether or not what lies before was purged', async () => {
  assert.deepEqual(await load(linkWith([MARKED]), 12, MARK), ['d'])
  assert.deepEqual(await load(linkWith([MARKED.slice(3)]), 12, MARK), ['d'])
  assert.deepEqual(await load(linkWith([MARKED]), 12), ['a', 'b', 'd'], 'a mark that no manifest names is no record')
})

test('a log that does not begin with the mark of its snapshot is refused', async () => {
  const other = stored(6, 'mark', { epoch: 1, number: 3, expected: 5, record: Buffer.alloc(16) })
  const cases: [string, readonly Stored[], ChainStart][] = [
    ['the mark is gone', MARKED.slice(4), MARK],
    ['another snapshot’s mark', [other, ...MARKED.slice(4)], MARK],
    ['another epoch’s mark', MARKED.slice(3), { ...MARK, epoch: 2 }],
    ['no mark at all', MARKED.slice(2), { ...MARK, sequence: 5 }],
  ]
  for (const [what, log, start] of cases) await assert.rejects(load(linkWith([log]), 12, start), LogCorruptError, what)
})

test('a broken chain is refused, with its place', async () => {
  const broken: [string, Stored][] = [
    ['expected another', stored(9, 'records', { epoch: 6, number: 1, expected: 5 })],
    ['expected nothing', stored(9, 'records', { epoch: 6, number: 1 })],
    ['of an epoch that is over', stored(9, 'records', { epoch: 1, number: 3, expected: 6 })],
    ['a number left out', stored(9, 'records', { epoch: 6, number: 2, expected: 6 })],
    ['no message', { sequence: 9, data: Buffer.from('x'), expected: 6 }],
  ]
  for (const [what, message] of broken) {
    await assert.rejects(load(linkWith([LOG.with(4, message)]), 12), (error) => {
      assert.ok(error instanceof LogCorruptError, what)
      assert.equal(error.sequence, 9n)
      return true
    })
  }
})

test('a log without the epoch message just written is refused', async () => {
  const later = [...LOG.slice(0, 5), stored(15, 'epoch')]
  await assert.rejects(load(linkWith([later]), 12), LogCorruptError)
  await assert.rejects(load(linkWith([LOG.slice(0, 5)]), 12), StoreUnavailableError)
})

test('a store that does not answer is given up after a bound', async () => {
  await assert.rejects(load(linkWith(['lost']), 12), StoreUnavailableError)
})
