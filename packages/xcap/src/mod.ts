export { mayAccess } from './authorize.ts'
export {
  ATTRIBUTE_MEDIA_TYPE,
  decideXcap,
  ELEMENT_MEDIA_TYPE,
  NAMESPACES_MEDIA_TYPE,
  type StoredDocument,
  type XcapOutcome,
  type XcapRequest,
} from './engine.ts'
export { ERROR_MEDIA_TYPE, ERROR_NAMESPACE, errorDocument } from './error-document.ts'
export { type XcapCondition, type XcapConflict, XcapUriError } from './errors.ts'
export { documentPath, parseXcapUri, type XcapTree, type XcapUri } from './uri/xcap-uri.ts'
export { DOCUMENT_LIMITS, type ValidationContext, type XcapUsage } from './usage.ts'
export { type DirectoryEntry, directoryDocument, XCAP_DIRECTORY_USAGE } from './usages/directory.ts'
export { PIDF_MANIPULATION_USAGE } from './usages/pidf-manipulation.ts'
export { OMA_PRESENCE_RULES_USAGE, PRESENCE_RULES_USAGE } from './usages/presence-rules.ts'
export { capsDocument, XCAP_CAPS_USAGE } from './usages/xcap-caps.ts'
