import { parseArgs } from 'node:util'
import type { Endpoint } from './addresses.ts'

/** What can be measured; without a name all of it is. */
export const BENCH_NAMES = [
  'publish',
  'subscribe',
  'fanout',
  'hop',
  'sip',
  'policy',
  'esp',
  'register',
  'bootstrap',
  'xcap',
  'rule-to-notify',
  'path',
  'memory',
  'takeover',
] as const
export type BenchName = (typeof BENCH_NAMES)[number]

export interface BenchOptions {
  /** Prints where the time goes; the figures of such a run are worse. */
  readonly isProfiled: boolean
  /** Memory at a million of everything, too. */
  readonly isMillion: boolean
}

export type Command =
  | ({ readonly kind: 'bench'; readonly names: readonly BenchName[]; readonly json?: string } & BenchOptions)
  | { readonly kind: 'peer'; readonly json?: string }
  | { readonly kind: 'serve'; readonly sip: Endpoint }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }

export const USAGE = `usage: npm run bench [-- NAME…] [--json FILE] [--profile] [--million]
  publish    durable PUBLISH (modify) over SIP/UDP and over the hop: 1, 16, 64 outstanding
  subscribe  SUBSCRIBE, its 200, its first NOTIFY: 64 outstanding
  fanout     one PUBLISH to 1,000 watchers, all NOTIFYs answered
  hop        SIP over the gRPC hop: 1 kB there and back by mutual TLS
  sip        1 kB: parse, typed header fields, serialize
  policy     rules of one presentity: a decision, and the document filtered by it; 10, 100, 1,000 rules
  esp        1 kB in ESP, sealed and opened, by suite
  register   full registrations with AKA and four SAs: UE, P-CSCF, S-CSCF, HSS; 1, 16, 64 outstanding
  bootstrap  bootstrappings over Ub: UE, BSF, HSS, context durable; 1, 16, 64 outstanding
  xcap       XCAP through the Authentication Proxy by GBA digest: GET, durable PUT of an element; 1, 16, 64 outstanding
  rule-to-notify  from a PUT of a rule over Ut to the NOTIFY that follows, one at a time
  path       PUBLISH, SUBSCRIBE and NOTIFY between UEs, all in ESP, through every service
  memory     octets a presentity and a subscription at 100,000; with --million at 1,000,000 too
  takeover   15,000 presentities, 150,000 subscriptions: kill -9, restarted or taken over
       npm run bench -- peer [--json FILE]
  the same work by Debian's Kamailio with PostgreSQL and by Rollcall, alternating, with ratios
       npm run bench -- serve presence [--sip udp:127.0.0.1:5280]
  NATS and one Presence Server with plain SIP, until Ctrl-C, for any SIP generator
  --json FILE  writes the figures    --profile  prints where the time goes (and costs some)`

const SIP_DEFAULT = 'udp:127.0.0.1:5280'

/** Reads the command line, as far as it can be understood. */
export function parseCommand(args: readonly string[]): Command {
  const parsed = tryParse(args)
  if (typeof parsed === 'string') return { kind: 'wrong', problem: parsed }
  const { values, positionals } = parsed
  if (values.help) return { kind: 'help' }
  const [first] = positionals
  const json = values.json === undefined ? {} : { json: values.json }
  if (values.sip !== undefined && first !== 'serve') return { kind: 'wrong', problem: '--sip belongs to serve' }
  if (first === 'serve') return parseServe(positionals, values.sip ?? SIP_DEFAULT)
  if (first === 'peer') {
    return positionals.length === 1 ? { kind: 'peer', ...json } : { kind: 'wrong', problem: 'peer stands alone' }
  }
  const unknown = positionals.filter((name) => !BENCH_NAMES.some((known) => known === name))
  if (unknown.length > 0) return { kind: 'wrong', problem: `no benchmark is called ${unknown.join(', ')}` }
  const names = BENCH_NAMES.filter((name) => positionals.length === 0 || positionals.includes(name))
  return { kind: 'bench', names, ...json, isProfiled: values.profile ?? false, isMillion: values.million ?? false }
}

function parseServe(positionals: readonly string[], sip: string): Command {
  if (positionals[1] !== 'presence' || positionals.length !== 2) {
    return { kind: 'wrong', problem: 'what can be served is: presence' }
  }
  const match = /^udp:(127(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(sip)
  const [, address = '', port = '0'] = match ?? []
  if (!match || Number(port) < 1 || Number(port) > 65_535) {
    return { kind: 'wrong', problem: `--sip ${sip}: a loopback address and a port, such as ${SIP_DEFAULT}` }
  }
  return { kind: 'serve', sip: { address, port: Number(port) } }
}

function tryParse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'string' },
        profile: { type: 'boolean' },
        million: { type: 'boolean' },
        sip: { type: 'string' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
