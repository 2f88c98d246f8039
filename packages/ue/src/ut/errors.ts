import { RollcallError } from '@rollcall/core'

/** A place of Ut does not answer, or broke off amid an exchange. */
export class UtUnreachableError extends RollcallError {
  override readonly name = 'UtUnreachableError'
  readonly code = 'UT_UNREACHABLE'
  readonly place: string
  /** The request had left: whether it took effect is not known. */
  readonly isOutcomeUnknown: boolean
  constructor(place: string, detail: string, options: ErrorOptions & { isOutcomeUnknown?: boolean } = {}) {
    super(`${place} does not answer (${detail})`, options)
    this.place = place
    this.isOutcomeUnknown = options.isOutcomeUnknown ?? false
  }
}

/** An answer on Ub or Ua lacks what it must have, breaks its grammar, or is longer than anybody needs. */
export class MalformedUtAnswerError extends RollcallError {
  override readonly name = 'MalformedUtAnswerError'
  readonly code = 'UT_MALFORMED_ANSWER'
  readonly detail: string
  constructor(detail: string, options?: ErrorOptions) {
    super(`an answer on Ut cannot be used: ${detail}`, options)
    this.detail = detail
  }
}

/** The BSF refused to bootstrap. */
export class BootstrappingRefusedError extends RollcallError {
  override readonly name = 'BootstrappingRefusedError'
  readonly code = 'UT_BOOTSTRAPPING_REFUSED'
  readonly status: number
  readonly retryAfterSeconds: number | undefined
  constructor(status: number, reason: string, retryAfterSeconds?: number) {
    super(`the BSF refused the bootstrapping: ${status} ${reason}`)
    this.status = status
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Whoever answered on Ub or Ua does not hold the key: nothing of what it said is used. */
export class UtPeerNotAuthenticError extends RollcallError {
  override readonly name = 'UtPeerNotAuthenticError'
  readonly code = 'UT_PEER_NOT_AUTHENTIC'
  readonly detail: string
  constructor(detail: string) {
    super(`the other end could not prove itself: ${detail}`)
    this.detail = detail
  }
}

/** The NAF does not take what we have, even freshly bootstrapped. */
export class NafRefusedError extends RollcallError {
  override readonly name = 'NafRefusedError'
  readonly code = 'UT_NAF_REFUSED'
  readonly fqdn: string
  readonly detail: string
  constructor(fqdn: string, detail: string) {
    super(`${fqdn} refused us: ${detail}`)
    this.fqdn = fqdn
    this.detail = detail
  }
}

/** Ut has been closed. */
export class UtClosedError extends RollcallError {
  override readonly name = 'UtClosedError'
  readonly code = 'UT_CLOSED'
  constructor() {
    super('Ut is closed')
  }
}

/** The server refused an XCAP request. */
export class XcapRefusedError extends RollcallError {
  override readonly name: string = 'XcapRefusedError'
  readonly code: string = 'UT_XCAP_REFUSED'
  readonly status: number
  /** The element of xcap-error, such as `no-parent` (RFC 4825 section 11). */
  readonly condition: string | undefined
  readonly phrase: string | undefined
  readonly retryAfterSeconds: number | undefined
  constructor(o: {
    readonly status: number
    readonly reason: string
    readonly condition?: string | undefined
    readonly phrase?: string | undefined
    readonly retryAfterSeconds?: number | undefined
  }) {
    const why = [o.condition, o.phrase].filter((text) => text !== undefined).join(': ')
    super(`the request was refused: ${o.status} ${o.reason}${why === '' ? '' : ` (${why})`}`)
    this.status = o.status
    this.condition = o.condition
    this.phrase = o.phrase
    this.retryAfterSeconds = o.retryAfterSeconds
  }
}

/** There is no such document or node. */
export class XcapNotFoundError extends XcapRefusedError {
  override readonly name = 'XcapNotFoundError'
  override readonly code = 'UT_XCAP_NOT_FOUND'
}

/** The document is not the one that If-Match or If-None-Match names: somebody else changed it. */
export class XcapConditionError extends XcapRefusedError {
  override readonly name = 'XcapConditionError'
  override readonly code = 'UT_XCAP_CONDITION'
}

/** A selector that no XCAP request can have. */
export class XcapSelectorError extends RollcallError {
  override readonly name = 'XcapSelectorError'
  readonly code = 'UT_XCAP_SELECTOR'
  readonly selector: string
  constructor(selector: string, detail: string) {
    super(`'${selector}' ${detail}`)
    this.selector = selector
  }
}

/** The rules document is such that one identity's handling cannot be changed in it. */
export class RulesEditError extends RollcallError {
  override readonly name = 'RulesEditError'
  readonly code = 'UT_RULES_EDIT'
}
