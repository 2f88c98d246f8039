export { type AuthParam, type AuthParams, formatAuth, parseAuth, parseAuthenticationInfo } from './auth.ts'
export { type BodyPart, formatMultipart, parseMultipart } from './body/multipart.ts'
export { isToken, isTokenEqual } from './chars.ts'
export { checkRequest, type RequestFields } from './check-request.ts'
export { chooseOffer, chooseServerOffer, type IpsecSuite } from './choose-offer.ts'
export { type Cseq, parseCseq } from './cseq.ts'
export { parseDeltaSeconds, parseRetryAfter } from './delta-seconds.ts'
export {
  advanceDialog,
  createDialogRequest,
  createUacDialog,
  createUacDialogFromNotify,
  createUasDialog,
  type Dialog,
  dialogMatches,
  withTarget,
} from './dialog.ts'
export {
  BranchInUseError,
  SecurityAgreementError,
  type SecurityAgreementErrorCode,
  SipParseError,
  type SipParseErrorCode,
  SipSyntaxError,
  TransactionsFullError,
} from './errors.ts'
export { type Event, formatEvent, parseEvent, sameEvent } from './event.ts'
export {
  type AccessNetworkInfo,
  formatAccessNetworkInfo,
  parseAccessNetworkInfo,
} from './fields/access-network-info.ts'
export {
  type ChargingFunctions,
  type ChargingVector,
  formatChargingFunctions,
  formatChargingVector,
  parseChargingFunctions,
  parseChargingVector,
} from './fields/charging.ts'
export {
  type ContactValue,
  formatContact,
  isOutboundContact,
  parseContacts,
  parseFlowTimer,
  parseKeep,
} from './fields/contact.ts'
export { formatDate, parseDate, parseTimestamp, type Timestamp } from './fields/date.ts'
export {
  type DigestChallenge,
  type DigestCredentials,
  formatDigestChallenge,
  formatDigestCredentials,
  parseDigestChallenge,
  parseDigestCredentials,
} from './fields/digest.ts'
export {
  formatAssertedIdentities,
  formatAssociatedUris,
  parseAssertedIdentities,
  parseAssociatedUris,
  parseCalledPartyId,
} from './fields/identities.ts'
export {
  accepts,
  type ContentDisposition,
  type ContentType,
  formatContentType,
  type MediaRange,
  mediaTypeParam,
  parseAccept,
  parseContentDisposition,
  parseContentType,
} from './fields/media-type.ts'
export { formatPrivacy, hidesIdentity, parsePrivacy } from './fields/privacy.ts'
export { formatRoutes, parseRoutes, type RouteHeader } from './fields/routes.ts'
export { formatServedUser, parseServedUser, type ServedUser } from './fields/served-user.ts'
export { formatVisitedNetworkIds, parseVisitedNetworkIds, type VisitedNetworkId } from './fields/visited-network-id.ts'
export { formatWarning, parseWarnings, type Warning } from './fields/warning.ts'
export { compactForm } from './header-names.ts'
export { headerKeys, SipHeaders } from './headers.ts'
export { newBranch, newCallId, newTag } from './ids.ts'
export { formatIpsecOffer, type IpsecOffer, isReservedSpi, parseIpsecOffers } from './ipsec-offer.ts'
export { DEFAULT_SIP_LIMITS, type SipLimits } from './limits.ts'
export { createRequest, createResponse, type SipMessage, type SipRequest, type SipResponse } from './message.ts'
export {
  callId,
  contact,
  cseq,
  entityTag,
  event,
  expires,
  from,
  fromTag,
  fromUri,
  maxForwards,
  minExpires,
  optionTags,
  to,
  tokens,
  topBranch,
  topVia,
  toTag,
  toUri,
} from './message-fields.ts'
export { formatNameAddr, type NameAddr, parseNameAddr } from './name-addr.ts'
export { ownText } from './own-text.ts'
export { type Params, paramValue } from './params.ts'
export { parseMessage } from './parse-message.ts'
export { quote, unquote } from './quoted-string.ts'
export { reasonPhrase } from './reason-phrase.ts'
export { sameMechanisms } from './same-mechanisms.ts'
export { sameUri } from './same-uri.ts'
export {
  formatSecurityMechanism,
  isMediaSecurity,
  parseSecurityMechanisms,
  type SecurityMechanism,
} from './security-mechanism.ts'
export { serializeMessage } from './serialize-message.ts'
export { formatSipUri, parseSipUri, type SipUri, sameSipUri } from './sip-uri.ts'
export { type ErrorCode, isErrorCode, type SipAnswer, sipStatusOf, sipStatusOfError } from './status.ts'
export { formatSubscriptionState, parseSubscriptionState, type SubscriptionState } from './subscription-state.ts'
export { formatTelUri, parseTelUri, sameTelUri, type TelUri, telUriOf } from './tel-uri.ts'
export {
  ClientTransactions,
  type ClientTransactionsOptions,
  type ClientTransactionUser,
} from './transactions/client-transactions.ts'
export {
  type ServerTransaction,
  ServerTransactions,
  type ServerTransactionsOptions,
} from './transactions/server-transactions.ts'
export { CORE_TIMERS, GM_TIMERS, type SipTimers, transactionLifetimeMs } from './transactions/timers.ts'
export { formatVia, parseVia, type Via } from './via.ts'
