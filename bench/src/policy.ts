import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseImpu } from '@rollcall/core'
import { compileRules, FilterablePidf, type Permissions, type WatcherIdentity } from '@rollcall/policy'
import { SERVICE_NODE_FLAGS } from '@rollcall/runtime'
import { printSelfTimes } from './cpu-profile.ts'
import { cpuUs, rssMb } from './process-usage.ts'
import type { BenchRow } from './report/bench-row.ts'
import { quantile, round } from './report/statistics.ts'
import { TemporaryFolder } from './temporary-folder.ts'

const RULES_CASES: readonly number[] = [10, 100, 1_000]
/** Watchers in turn, some named by a rule, some of its domains, some by none. */
const WATCHERS = 4_096
/** Sets of permissions in turn: more than a document remembers results for. */
const PERMISSION_SETS = 128
/** Operations that are timed together: the clock costs as much as an operation. */
const BATCH = 100
const WARM_UP_MS = 300
const ROUNDS = 3
const ROUND_MS = 300
/** Some seconds on a slow machine. */
const MEASURE_MS_MAX = 60_000
const NOW_MS = Date.parse('2026-01-01T12:00:00Z')

/** What the work leaves behind, so that nobody finds out that it is for nothing. */
let sink = 0

/** A decision, and what is done with it: by number of rules, in a process of its own. */
export async function* benchPolicy(o: { readonly isProfiled: boolean }): AsyncGenerator<BenchRow> {
  using profile = o.isProfiled ? new TemporaryFolder('profile') : undefined
  const execArgv = ['--disable-warning=ExperimentalWarning', ...SERVICE_NODE_FLAGS]
  if (profile) execArgv.push('--cpu-prof', `--cpu-prof-dir=${profile.path}`)
  yield* await rowsOf(fork(fileURLToPath(import.meta.url), ['measure'], { execArgv }))
  if (profile) printSelfTimes('policy', profile.path)
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
  const rows: BenchRow[] = []
  const watchers = Array.from({ length: WATCHERS }, (_, index) => watcherOf(index))
  const context = { nowMs: NOW_MS, sphere: 'work' }
  const document = documentOf()
  for (const count of RULES_CASES) {
    const octets = Buffer.from(rulesOf(count))
    const rules = compileRules(octets)
    rows.push(
      measure(`decide, ${count} rules`, (turn) => {
        sink += rules.decide(pick(watchers, turn), context).matched.length
      }),
      measure(`decide and filter, ${count} rules`, (turn) => {
        const { permissions } = rules.decide(pick(watchers, turn), context)
        sink += new FilterablePidf(document).filter(permissions).length
      }),
      measure(
        `compile, ${count} rules`,
        () => {
          sink += compileRules(octets).rules.length
        },
        1,
      ),
    )
  }
  const rules = compileRules(
    Buffer.from(ruleset(Array.from({ length: 1_000 }, (_, index) => everybodyBut(index)).join(''))),
  )
  rows.push(
    measure('decide, 1,000 rules, all about many', (turn) => {
      sink += rules.decide(pick(watchers, turn), context).matched.length
    }),
  )
  const read = new FilterablePidf(document)
  const sets = permissionSets()
  rows.push(
    measure('filter a document that is read', (turn) => {
      sink += read.filter(pick(sets, turn)).length
    }),
  )
  return rows
}

/** The best of some rounds: what else runs on the machine only ever takes away. */
function measure(name: string, operation: (turn: number) => void, batch = BATCH): BenchRow {
  runFor(operation, batch, WARM_UP_MS)
  const cpuBefore = cpuUs(process.pid)
  const rounds = Array.from({ length: ROUNDS }, () => runFor(operation, batch, ROUND_MS))
  const operations = rounds.reduce((sum, { length }) => sum + length * batch, 0)
  const best = rounds.reduce((a, b) => (meanOf(a) < meanOf(b) ? a : b)).sort((a, b) => a - b)
  if (sink === 0) throw new Error('nothing was done')
  return {
    name: 'policy',
    case: name,
    ops_per_s: Math.round((batch * 1_000) / meanOf(best)),
    p50_ms: round(quantile(Float64Array.from(best), 0.5) / batch, 5),
    p99_ms: round(quantile(Float64Array.from(best), 0.99) / batch, 5),
    cpu_us: { policy: round((cpuUs(process.pid) - cpuBefore) / operations, 2) },
    rss_mb: { policy: Math.round(rssMb(process.pid)) },
  }
}

/** Milliseconds of each batch. */
function runFor(operation: (turn: number) => void, batch: number, durationMs: number): number[] {
  const tookMs: number[] = []
  const endMs = performance.now() + durationMs
  for (let turn = 0; performance.now() < endMs; ) {
    const beginMs = performance.now()
    for (const last = turn + batch; turn < last; turn++) operation(turn)
    tookMs.push(performance.now() - beginMs)
  }
  return tookMs
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function pick<T>(values: readonly T[], turn: number): T {
  return values[turn % values.length] as T
}

function watcherOf(index: number): WatcherIdentity {
  const identities = [`sip:user${index % 2_000}@d${index % 50}.example.com`, `tel:+1555${1_000_000 + index}`]
  return { kind: 'verified', identities: identities.map(parseImpu) }
}

function ruleset(rules: string): string {
  return `<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">${rules}</ruleset>`
}

/** Rules as users have them: most about one, each tenth about a domain, one in ten only for a time. */
function rulesOf(count: number): string {
  return ruleset(Array.from({ length: count }, (_, index) => ruleOf(index)).join(''))
}

function ruleOf(index: number): string {
  const identity =
    index % 10 === 9
      ? `<many domain="d${index % 50}.example.com"><except id="sip:user${index}@d1.example.com"/></many>`
      : `<one id="sip:user${index}@d${index % 50}.example.com"/>`
  const validity =
    index % 10 === 3 ? '<validity><from>2026-01-01T00:00:00Z</from><until>2027-01-01T00:00:00Z</until></validity>' : ''
  return rule(index, `<identity>${identity}</identity>${validity}`)
}

function everybodyBut(index: number): string {
  return rule(index, `<identity><many><except id="sip:user${index}@d${index % 50}.example.com"/></many></identity>`)
}

function rule(index: number, conditions: string): string {
  return (
    `<rule id="r${index}"><conditions>${conditions}</conditions><actions><pr:sub-handling>allow</pr:sub-handling></actions>` +
    '<transformations><pr:provide-services><pr:all-services/></pr:provide-services><pr:provide-persons><pr:all-persons/>' +
    `</pr:provide-persons>${provisions(index)}</transformations></rule>`
  )
}

/** Another selection of attributes for each number. */
function provisions(index: number): string {
  const names = ['activities', 'class', 'mood', 'note', 'place-is', 'sphere', 'status-icon']
  return names
    .filter((_, bit) => index & (1 << bit))
    .map((name) => `<pr:provide-${name}>true</pr:provide-${name}>`)
    .join('')
}

function permissionSets(): readonly Permissions[] {
  const watcher: WatcherIdentity = { kind: 'verified', identities: [parseImpu('sip:bob@example.com')] }
  return Array.from({ length: PERMISSION_SETS }, (_, index) => {
    const rules = compileRules(Buffer.from(ruleset(rule(index, ''))))
    return rules.decide(watcher, { nowMs: NOW_MS, sphere: undefined }).permissions
  })
}

/** A composed document of some 1.5 kB: two services and a person. */
function documentOf(): Buffer {
  const tuple = (id: string): string =>
    `<tuple id="t-${id}-sip"><status><basic>open</basic></status><r:class>work</r:class>` +
    `<r:status-icon>https://example.com/icons/${id}.png</r:status-icon>` +
    `<contact priority="0.8">sip:alice@${id}.example.com</contact><note xml:lang="en">At my desk until five</note>` +
    '<timestamp>2026-01-01T10:00:00Z</timestamp></tuple>'
  return Buffer.from(
    '<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" ' +
      'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" ' +
      `entity="sip:alice@example.com">${tuple('pc')}${tuple('phone')}<dm:person id="person">` +
      '<r:activities><r:on-the-phone/></r:activities><r:mood><r:happy/></r:mood><r:sphere><r:work/></r:sphere>' +
      '<r:place-is><r:audio><r:quiet/></r:audio></r:place-is><r:class>work</r:class><dm:note>busy</dm:note>' +
      '<dm:timestamp>2026-01-01T10:00:00Z</dm:timestamp></dm:person></presence>',
  )
}

if (import.meta.main && process.argv[2] === 'measure') process.send?.(measureAll())
