import { isIPv4 } from 'node:net'

/** An IPv4 address and a port. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

const PORT_MAX = 65_535

/** Reads `ADDRESS:PORT`; gives nothing when it is none. Names are not resolved: P-CSCF discovery is another's work. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^([0-9.]+):(\d{1,5})$/.exec(text)
  const [, address = '', digits = ''] = match ?? []
  const port = Number(digits)
  return isIPv4(address) && port >= 1 && port <= PORT_MAX ? { address, port } : undefined
}

export function formatEndpoint(endpoint: Endpoint): string {
  return `${endpoint.address}:${endpoint.port}`
}
