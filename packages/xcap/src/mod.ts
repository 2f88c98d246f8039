export { mayAccess } from './authorize.ts'
export { DocumentTrees } from './diff/document-trees.ts'
export {
  parseXcapDiffResources,
  XCAP_DIFF_RESOURCES_MEDIA_TYPE,
  XcapDiffResourcesError,
} from './diff/parse-resources.ts'
export { partStateOf } from './diff/part-state.ts'
export { patchOf } from './diff/patch-of.ts'
export type { PatchOperation } from './diff/patch-operation.ts'
export { isWatched, parseWatchedResource, type WatchedResource } from './diff/watched-resource.ts'
export {
  type AttributeState,
  type DocumentChange,
  type ElementState,
  writeXcapDiff,
  XCAP_DIFF_MEDIA_TYPE,
  type XcapChange,
} from './diff/write-xcap-diff.ts'
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
export { RESOURCE_LISTS_USAGE } from './usages/resource-lists.ts'
export { globalServices, type RlsServicesOptions, rlsServicesUsage } from './usages/rls-services.ts'
export { capsDocument, XCAP_CAPS_USAGE } from './usages/xcap-caps.ts'
