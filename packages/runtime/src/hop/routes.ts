import { ConfigError } from '../errors.ts'
import { isRole, type Role } from '../roles.ts'

/** Where the SIP for a host goes. */
export interface HopRoute {
  /** Lower case. */
  readonly host: string
  readonly role: Role
  /** `HOST:PORT` of each gRPC listener: replicas of one service. */
  readonly targets: readonly string[]
}

/** How the table is written, for who writes it. */
export const HOP_ROUTES_FORM = 'HOST=ROLE@HOST:PORT, replicas with a bar between, some of them with commas between'

/** A static table stays small: it is written by a person or rendered from the list of services. */
const ROUTES_MAX = 1_000
/** More replicas than this stand behind a name that the network resolves. */
const TARGETS_MAX = 64

const ENTRY = /^([A-Za-z0-9.-]+)=([a-z]+)@([^@=]+)$/
const TARGET = /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/

/**
 * Reads `HOST=ROLE@HOST:PORT,…`, a host with several targets as `HOST=ROLE@HOST:PORT|HOST:PORT`.
 *
 * @throws ConfigError
 */
export function parseHopRoutes(text: string): HopRoute[] {
  const routes: HopRoute[] = []
  const hosts = new Set<string>()
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue
    const [, host = '', role = '', list = ''] = ENTRY.exec(entry) ?? []
    const targets = list.split('|').map((part) => part.trim())
    if (!isRole(role) || !targets.every((target) => TARGET.test(target))) {
      throw refusal(`${JSON.stringify(entry)} is no HOST=ROLE@HOST:PORT`)
    }
    if (hosts.has(host.toLowerCase())) throw refusal(`${host} has two routes; its targets go with | between`)
    if (new Set(targets).size < targets.length) throw refusal(`${host} has a target twice`)
    if (targets.length > TARGETS_MAX) throw refusal(`${targets.length} targets of ${host} are over ${TARGETS_MAX}`)
    hosts.add(host.toLowerCase())
    routes.push({ host: host.toLowerCase(), role, targets })
  }
  if (routes.length > ROUTES_MAX) throw refusal(`${routes.length} routes are over ${ROUTES_MAX}`)
  return routes
}

function refusal(problem: string): ConfigError {
  return new ConfigError('hop routes', [
    {
      name: 'ROLLCALL_HOP_ROUTES',
      problem,
      allowed: HOP_ROUTES_FORM,
      example: 'ims.example.org=scscf@127.0.0.1:17002',
    },
  ])
}
