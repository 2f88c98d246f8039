export { type AuthParam, type AuthParams, formatAuth, parseAuth, parseAuthenticationInfo } from './auth.ts'
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
export { SipHeaders } from './headers.ts'
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
export { type Params, paramValue } from './params.ts'
export { parseMessage } from './parse-message.ts'
export { quote, unquote } from './quoted-string.ts'
export { reasonPhrase } from './reason-phrase.ts'
export { sameMechanisms } from './same-mechanisms.ts'
export { formatSecurityMechanism, parseSecurityMechanisms, type SecurityMechanism } from './security-mechanism.ts'
export { serializeMessage } from './serialize-message.ts'
export { formatSipUri, parseSipUri, type SipUri, sameSipUri } from './sip-uri.ts'
export { type ErrorCode, isErrorCode, type SipAnswer, sipStatusOf, sipStatusOfError } from './status.ts'
export { formatSubscriptionState, parseSubscriptionState, type SubscriptionState } from './subscription-state.ts'
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
