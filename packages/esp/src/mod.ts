export type { AlgorithmPair, AlgorithmPairName } from './algorithm-pairs.ts'
export { ALGORITHM_PAIR_NAMES, ALGORITHM_PAIRS, isAlgorithmPairName } from './algorithm-pairs.ts'
export {
  EspKeyLengthError,
  InvalidAlgorithmPairError,
  InvalidIpAddressError,
  InvalidSaSetError,
  SequenceExhaustedError,
} from './errors.ts'
export type { Opened, OpenFailure } from './inbound-sa.ts'
export { InboundSa } from './inbound-sa.ts'
export type { InnerUdp, IpEndpoint } from './inner-udp.ts'
export { buildInnerUdp, parseInnerUdp, tunnelHeaderOf } from './inner-udp.ts'
export type { IpAddress } from './ip-address.ts'
export { parseIp } from './ip-address.ts'
export type { EncryptionAlgorithm, EspKeys, IntegrityAlgorithm } from './keys.ts'
export { expandKeys, isAlgorithmPair } from './keys.ts'
export { OutboundSa } from './outbound-sa.ts'
export { NEXT_HEADER_IPV4, NEXT_HEADER_IPV6, NEXT_HEADER_NONE, NEXT_HEADER_UDP, readSpi } from './packet.ts'
export { pooledRandom } from './random-pool.ts'
export type { SaEnd, SaSelector, SaSetParameters } from './sa-set.ts'
export { checkSaSet, sameSaSet, selectorsOf } from './sa-set.ts'
export { formatWiresharkSas } from './wireshark.ts'
