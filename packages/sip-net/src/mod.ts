export { BindFailedError, DatagramTooLargeError, TransportClosedError } from './errors.ts'
export { UDP_BYTES_MAX, type UdpAddress, UdpTransport, type UdpTransportOptions } from './udp-transport.ts'
