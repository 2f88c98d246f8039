export type { AkaKeys } from './aka-functions.ts'
export type { AkaDigestAlgorithm } from './aka-v2.ts'
export { AKA_DIGEST_ALGORITHMS, digestPassword, parseAkaAlgorithm } from './aka-v2.ts'
export type { DigestInput } from './digest.ts'
export { digestResponse, sameDigest } from './digest.ts'
export {
  AkaKeyLengthError,
  DigestIncompleteError,
  InvalidAutsError,
  InvalidIsimStateError,
  InvalidNonceError,
  SqnExhaustedError,
} from './errors.ts'
export type { ChallengeAnswer, IsimState, SqnRules } from './isim.ts'
export { answerChallenge, formatIsimState, newIsimState, parseIsimState } from './isim.ts'
export type { MilenageKeys } from './milenage.ts'
export { deriveOpc } from './milenage.ts'
export type { SqnBlock, SqnSlice, SqnState } from './network-sqn.ts'
export {
  newSqnState,
  nextSqn,
  reserveSqnBlock,
  resynchronise,
  resynchroniseBlock,
  SQN_BLOCK_SIZE,
  takeSqn,
} from './network-sqn.ts'
export { decodeAuts, decodeNonce, encodeAuts, encodeNonce } from './nonce.ts'
export type { TuakKeys } from './tuak.ts'
export { deriveTopc } from './tuak.ts'
export type { AuthenticationVector } from './vector.ts'
export { generateVector, verifyAuts } from './vector.ts'
