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
export type { ChallengeAnswer, IsimState } from './isim.ts'
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
export type { AuthenticationVector } from './vector.ts'
export { generateVector, verifyAuts } from './vector.ts'
