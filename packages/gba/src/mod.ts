export {
  BOOTSTRAPPING_INFO_TYPE,
  type BootstrappingInfo,
  readBootstrappingInfo,
  writeBootstrappingInfo,
} from './bootstrapping-info.ts'
export { type Btid, btidOf, parseBtid } from './btid.ts'
export {
  BootstrappingInfoError,
  InvalidBtidError,
  InvalidGussError,
  InvalidNafIdError,
  UnknownCipherSuiteError,
} from './errors.ts'
export {
  checkGuss,
  defaultGuss,
  GSID_AUTHENTICATION_PROXY,
  GSID_PRESENCE,
  type Guss,
  selectUss,
  type Uss,
} from './guss.ts'
export { type BootstrappedKey, isTmpi, type KsNafLabel, ksNaf, tmpiOf } from './ks-naf.ts'
export {
  HTTP_DIGEST_UA_PROTOCOL,
  nafId,
  TLS13_PSK_UA_PROTOCOL,
  uaProtocolOfSuiteName,
  uaProtocolOfTls,
} from './naf-id.ts'
export { bsfNameOf, xcapRootOf } from './names.ts'
export { PSK_IDENTITY_HINT, type PskIdentity, parsePskIdentity, pskIdentityOf } from './psk.ts'
export { nafRealmOf, parseNafRealm, type RealmPart, type RealmPrefix } from './realm.ts'
