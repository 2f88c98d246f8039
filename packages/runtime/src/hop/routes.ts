import { ConfigError } from '../errors.ts'
import { isRole, type Role } from '../roles.ts'

/** Where the SIP for a host goes. */
export interface HopRoute {
  /** Lower case. */
  readonly host: string
  readonly role: Role
  /** `HOST:PORT` of the gRPC listener. */
  readonly target: string
}

/** A static table stays small: it is written by a person or rendered from the list of services. */
const ROUTES_MAX = 1_000

/**
 * Reads `HOST=ROLE@HOST:PORT,…`.
 *
 * @throws ConfigError
 */
export function parseHopRoutes(text: string): HopRoute[] {
  const routes: HopRoute[] = []
  const hosts = new Set<string>()
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue
    const match = /^([A-Za-z0-9.-]+)=([a-z]+)@((?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5})$/.exec(entry)
    const [, host = '', role = '', target = ''] = match ?? []
    if (!match || !isRole(role)) throw refusal(`${JSON.stringify(entry)} is no HOST=ROLE@HOST:PORT`)
    if (hosts.has(host.toLowerCase())) throw refusal(`${host} has two routes`)
    hosts.add(host.toLowerCase())
    routes.push({ host: host.toLowerCase(), role, target })
  }
  if (routes.length > ROUTES_MAX) throw refusal(`${routes.length} routes are over ${ROUTES_MAX}`)
  return routes
}

function refusal(problem: string): ConfigError {
  return new ConfigError('hop routes', [
    {
      name: 'ROLLCALL_HOP_ROUTES',
      problem,
      allowed: 'HOST=ROLE@HOST:PORT, some of them with commas between',
      example: 'ims.example.org=scscf@127.0.0.1:17002',
    },
  ])
}
