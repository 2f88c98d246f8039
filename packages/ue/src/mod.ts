export { ALGORITHM_PAIR_NAMES, ALGORITHM_PAIRS, isAlgorithmPairName } from '@rollcall/esp'
export {
  type Credentials,
  isimStateFile,
  loadCredentials,
  parseCredentials,
  saveCredentials,
  type UtPlaces,
} from './credentials.ts'
export type { Endpoint } from './endpoint.ts'
export {
  CredentialsError,
  IsimBusyError,
  IsimFileError,
  MalformedAnswerError,
  MessageTooLargeError,
  NetworkAuthenticationError,
  NoAnswerError,
  NoNotificationError,
  NotRegisteredError,
  PublicationEndedError,
  PublicationRefusedError,
  RegistrationRefusedError,
  SecurityAgreementFailedError,
  SubscriptionEndedError,
  SubscriptionRefusedError,
  UeAddressError,
  UeClosedError,
} from './errors.ts'
export type { RegistrationEndReason, UeDropReason, UeEvent } from './events.ts'
export type { BackEndOptions, BindBackEnd } from './gm/back-end.ts'
export type { SaSetState, SaSetView } from './gm/sa-sets.ts'
export { fileIsimStore, type IsimStore, memoryIsimStore } from './isim-store.ts'
export type { Notification } from './presence/notification.ts'
export type { Publication, PublishOptions } from './presence/publication.ts'
export type { EventPackage, SubscribeOptions, Subscription } from './presence/subscription.ts'
export { DEFAULT_SETTINGS, gmTimers, type SecuritySuite, type UeSettings } from './settings.ts'
export { type RegistrationView, Ue, type UeOptions } from './ue.ts'
export {
  BootstrappingRefusedError,
  MalformedUtAnswerError,
  NafRefusedError,
  RulesEditError,
  UtClosedError,
  UtPeerNotAuthenticError,
  UtUnreachableError,
  XcapConditionError,
  XcapNotFoundError,
  XcapRefusedError,
  XcapSelectorError,
} from './ut/errors.ts'
export type { HandlingChange, PresenceRulesEditor, RulesDocument } from './ut/rules/editor.ts'
export { HANDLINGS, type Handling } from './ut/rules/handling.ts'
export type { RuleView, WhoCondition } from './ut/rules/rules-view.ts'
export { DEFAULT_UT_SETTINGS, type UaAccess, type UtSettings } from './ut/settings.ts'
export { type BootstrapView, Ut, type UtOptions } from './ut/ut.ts'
export {
  XCAP_ATTRIBUTE,
  XCAP_ELEMENT,
  type XcapClient,
  type XcapConditions,
  type XcapResource,
  type XcapWritten,
} from './ut/xcap-client.ts'
export { type DocumentChange, readXcapDiff, watchDocuments } from './ut/xcap-diff.ts'
export { nodeSelector, selectorPath, userDocument } from './ut/xcap-selector.ts'
