/** An IP address, never a name, and a port. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
}
