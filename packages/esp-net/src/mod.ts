export {
  EncapsulationBindError,
  OuterAddressUnknownError,
  PacketTooLargeError,
  SaSetMismatchError,
  SaSetsFullError,
  SaUnknownError,
  SpiInUseError,
} from './errors.ts'
export type { OuterAddress } from './installed-set.ts'
export type { DropReason, ProtectedPacket, SaBackEnd } from './sa-back-end.ts'
export type { UdpEncapsulationOptions } from './udp-encapsulation.ts'
export { PAYLOAD_BYTES_MAX, UdpEncapsulation } from './udp-encapsulation.ts'
