export { InvalidLeafError, TrustDomainIncompleteError } from './errors.ts'
export type { PairFiles } from './files.ts'
export { type LeafRequest, spiffeIdOf } from './leaf-request.ts'
export { createTrustDomain, issueLeaf, leafFiles } from './trust-domain.ts'
