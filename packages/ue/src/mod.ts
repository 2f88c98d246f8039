export { ALGORITHM_PAIR_NAMES, ALGORITHM_PAIRS, isAlgorithmPairName } from '@rollcall/esp'
export { type Credentials, isimStateFile, loadCredentials, parseCredentials, saveCredentials } from './credentials.ts'
export type { Endpoint } from './endpoint.ts'
export {
  CredentialsError,
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
