/** Where a UDP socket is, or where a server listens. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** Every benchmark stays on loopback; no test uses these addresses. */
export const GENERATOR_ADDRESS = '127.1.9.1'
/** nats-server, the Presence Servers and whoever is played around them. */
export const ROLLCALL_ADDRESSES = ['127.1.9.2', '127.1.9.3'] as const
/** Kamailio and PostgreSQL. */
export const PEER_ADDRESS = '127.1.9.4'
export const HOP_ADDRESS = '127.1.9.5'
/** The HSS, the BSF and their store, for bootstrappings. */
export const BOOTSTRAP_ADDRESS = '127.1.9.7'
/** The system that `serve` keeps up, whose SIP listener is where the caller says. */
export const SERVE_ADDRESS = '127.1.9.6'

/** The open SIP listener of a Presence Server. */
export const SIP_PORT = 5280
export const KAMAILIO_PORTS = { 'write-through': 5260, database: 5261, memory: 5262 } as const
export const POSTGRES_PORT = 5439

/** What every identity of the load belongs to. */
export const DOMAIN = 'example.com'

export function formatEndpoint({ address, port }: Endpoint): string {
  return `${address}:${port}`
}
