export {
  BindFailedError,
  ConnectionsFullError,
  DatagramTooLargeError,
  NameUnresolvedError,
  PeerAwayError,
  SendQueueFullError,
  TransportClosedError,
} from './errors.ts'
export type { PeerCertificate } from './peer-certificate.ts'
export { type AddressLookup, Resolver } from './resolver.ts'
export type { SendOptions } from './send-queue.ts'
export type { SocketAddress } from './socket-address.ts'
export type { ClosedReason, StreamConnection } from './stream-connection.ts'
export type { FramingFault } from './stream-framer.ts'
export type { StreamLimits } from './stream-limits.ts'
export type { StreamTarget } from './stream-target.ts'
export { type RefusedReason, StreamTransport, type StreamTransportOptions } from './stream-transport.ts'
export { UDP_BYTES_MAX, UdpTransport, type UdpTransportOptions } from './udp-transport.ts'
