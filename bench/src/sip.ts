import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SERVICE_NODE_FLAGS } from '@rollcall/runtime'
import {
  callId,
  checkRequest,
  contact,
  cseq,
  event,
  expires,
  from,
  maxForwards,
  parseAssertedIdentities,
  parseMessage,
  parseRoutes,
  parseSipUri,
  type SipRequest,
  serializeMessage,
  to,
  topVia,
} from '@rollcall/sip'
import { printSelfTimes } from './cpu-profile.ts'
import { cpuUs, rssMb } from './process-usage.ts'
import type { BenchRow } from './report/bench-row.ts'
import { quantile, round } from './report/statistics.ts'
import { TemporaryFolder } from './temporary-folder.ts'

const HOST = 'ims.mnc001.mcc001.3gppnetwork.org'
const MESSAGE_BYTES = 1_024
/** Messages in turn, no two the same, so that no text is found again by chance. */
const MESSAGES = 512
/** Operations that are timed together: the clock costs as much as an operation. */
const BATCH = 100
const WARM_UP_BATCHES = 1_000
const ROUNDS = 20
const ROUND_BATCHES = 500
/** Some seconds on a slow machine. */
const MEASURE_MS_MAX = 120_000

/** What the work leaves behind, so that nobody finds out that it is for nothing. */
let sink = 0

/** What is done with a message. */
type Operation = (bytes: Buffer) => void

/** Via, From, To, Call-ID, CSeq, Max-Forwards, Event and Expires as values; then the whole of it back. */
function readAndWrite(bytes: Buffer): void {
  const message = parseMessage(bytes)
  sink += topVia(message).host.length + from(message).uri.length + to(message).uri.length + callId(message).length
  sink += cseq(message).sequence + (maxForwards(message) ?? 0) + event(message).package.length + (expires(message) ?? 0)
  sink += serializeMessage(message).length
}

/** As a proxy does: checked, with Contact, Route and its URI, P-Asserted-Identity besides; two fields changed. */
function forward(bytes: Buffer): void {
  const request = parseMessage(bytes) as SipRequest
  const fields = checkRequest(request)
  const [route] = parseRoutes(request.headers.getAll('Route'), 'Route')
  const identities = parseAssertedIdentities(request.headers.getAll('P-Asserted-Identity'), 'P-Asserted-Identity')
  sink += fields.cseq.sequence + event(request).package.length + (expires(request) ?? 0)
  sink += contact(request).uri.length + parseSipUri(route?.uri ?? '').host.length + identities.length
  request.headers.set('Max-Forwards', '68')
  request.headers.prepend('Via', 'SIP/2.0/TLS scscf-0.scscf.example.com;branch=z9hG4bK0123456789abcdef')
  sink += serializeMessage(request).length
}

function parseOnly(bytes: Buffer): void {
  sink += parseMessage(bytes).headers.size
}

const CASES: readonly (readonly [name: string, operation: Operation])[] = [
  ['parse, 8 typed fields, serialize, 1 kB', readAndWrite],
  ['as a proxy: checked, 11 typed fields, two changed, 1 kB', forward],
  ['parse alone, 1 kB', parseOnly],
]

/** SIP messages alone, on one core: a process of its own with the flags of a service. */
export async function* benchSip(o: { readonly isProfiled: boolean }): AsyncGenerator<BenchRow> {
  using folder = new TemporaryFolder('sip')
  const profiling = o.isProfiled ? ['--cpu-prof', '--cpu-prof-dir', folder.path] : []
  const execArgv = ['--disable-warning=ExperimentalWarning', ...SERVICE_NODE_FLAGS, ...profiling]
  const child = fork(fileURLToPath(import.meta.url), ['measure'], { execArgv })
  yield* await rowsOf(child)
  if (o.isProfiled) printSelfTimes('sip', folder.path)
}

async function rowsOf(child: ChildProcess): Promise<BenchRow[]> {
  const signal = AbortSignal.timeout(MEASURE_MS_MAX)
  const exited = once(child, 'exit', { signal })
  try {
    const failed = exited.then(([code]) => {
      throw new Error(`the measuring process ended with ${code}`)
    })
    const [rows] = await Promise.race([once(child, 'message', { signal }), failed])
    // A profile is written when the process ends by itself.
    child.disconnect()
    await exited
    return rows as BenchRow[]
  } finally {
    child.kill('SIGKILL')
  }
}

function measureAll(): BenchRow[] {
  const messages = Array.from({ length: MESSAGES }, (_, index) => messageOf(index))
  return CASES.map(([name, operation]) => measure(name, operation, messages))
}

/** The best of some rounds: what else runs on the machine only ever takes away. */
function measure(name: string, operation: Operation, messages: readonly Buffer[]): BenchRow {
  runBatches(operation, messages, WARM_UP_BATCHES)
  const cpuBefore = cpuUs(process.pid)
  const rounds = Array.from({ length: ROUNDS }, () => runBatches(operation, messages, ROUND_BATCHES))
  const operations = ROUNDS * ROUND_BATCHES * BATCH
  const best = rounds.reduce((a, b) => (sumOf(a) < sumOf(b) ? a : b)).sort()
  if (sink === 0) throw new Error('nothing was done')
  return {
    name: 'sip',
    case: name,
    ops_per_s: Math.round((ROUND_BATCHES * BATCH * 1_000) / sumOf(best)),
    p50_ms: round(quantile(best, 0.5) / BATCH, 5),
    p99_ms: round(quantile(best, 0.99) / BATCH, 5),
    cpu_us: { sip: round((cpuUs(process.pid) - cpuBefore) / operations, 2) },
    rss_mb: { sip: Math.round(rssMb(process.pid)) },
  }
}

/** Milliseconds of each batch. */
function runBatches(operation: Operation, messages: readonly Buffer[], batches: number): Float64Array {
  const tookMs = new Float64Array(batches)
  let next = 0
  for (let batch = 0; batch < batches; batch++) {
    const beginMs = performance.now()
    for (let i = 0; i < BATCH; i++) {
      const bytes = messages[next]
      if (bytes) operation(bytes)
      next = next + 1 === messages.length ? 0 : next + 1
    }
    tookMs[batch] = performance.now() - beginMs
  }
  return tookMs
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0)
}

/** A SUBSCRIBE as the S-CSCF gets it from a P-CSCF, filled up to its size. */
function messageOf(index: number): Buffer {
  const id = (0x1000_0000 + index).toString(16)
  const head = [
    `SUBSCRIBE sip:alice@${HOST} SIP/2.0`,
    `Via: SIP/2.0/TLS pcscf-0.pcscf.${HOST};branch=z9hG4bK8d1e52d2a9b14e26${id}`,
    `Via: SIP/2.0/UDP 127.0.1.3:15066;branch=z9hG4bKnashds7a83bb2e${id};rport=15065;received=127.0.1.3`,
    `Record-Route: <sip:AAECAwQFBgcICQoLDA0ODw${id}@pcscf-0.pcscf.${HOST};lr>`,
    'Max-Forwards: 69',
    `Route: <sip:orig@scscf-0.scscf.${HOST};lr>`,
    `From: "Bob" <sip:bob@${HOST}>;tag=1928301774${id}`,
    `To: <sip:alice@${HOST}>`,
    `Call-ID: a84b4c76e66710a84b4c76${id}`,
    `CSeq: ${1_000 + index} SUBSCRIBE`,
    'Contact: <sip:bob@127.0.1.3:15066>;+sip.instance="<urn:gsma:imei:90420156-025763-0>"',
    `P-Asserted-Identity: <sip:bob@${HOST}>, <tel:+15550101>`,
    'Event: presence',
    'Accept: application/pidf+xml',
    'Expires: 3600',
    'Content-Length: 0',
  ].join('\r\n')
  const filler = 'User-Agent: '
  const missing = MESSAGE_BYTES - head.length - `\r\n${filler}\r\n\r\n`.length
  return Buffer.from(`${head}\r\n${filler}${'x'.repeat(Math.max(1, missing))}\r\n\r\n`, 'latin1')
}

if (import.meta.main && process.argv[2] === 'measure') process.send?.(measureAll())
