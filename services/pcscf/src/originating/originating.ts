import { assertNever, InvalidIdentityError, parseImpi } from '@rollcall/core'
import { callId, fromTag, optionTags, parseAuth, type SipRequest, SipSyntaxError, toTag } from '@rollcall/sip'
import type { Contact } from '../contacts/contact.ts'
import type { PcscfContext } from '../context.ts'
import type { Incoming } from '../edge/incoming.ts'
import { localResponse, type Refusal } from '../edge/local-answers.ts'
import { takeChallengeKeys } from '../mw/challenge-keys.ts'
import { CORE_FAILURES, type CoreOutcome } from '../mw/core-link.ts'
import { envelopeOf } from '../mw/envelope.ts'
import { chargingVector, countHop, mayForward, newIcid, stampSource } from '../mw/requests.ts'
import { addNetworkAccess, setIntegrityProtected, stripFromUe, stripToUe } from '../mw/trust-boundary.ts'
import type { SaSetView } from '../sa/sa-table.ts'
import { mirrorsSet } from '../sec-agree/security-verify.ts'
import { stripSecAgree } from '../sec-agree/strip.ts'
import { chooseIdentity } from './asserted-identity.ts'
import { checkDialogRoute, checkInitialRoute, type RouteCheck } from './check-route.ts'
import { dialogKey, type KnownDialog } from './dialog-routes.ts'
import { noteDialog } from './note-dialog.ts'
import { type OwnAddress, recordRoutes, routeHost, takeOwnRoutes } from './own-routes.ts'

/** Methods that make a dialog, whose later requests must come this way again (TS 24.229 clause 5.2.6.3.3). */
const DIALOG_MAKING = ['SUBSCRIBE']

/** A request on its way to the core. */
interface Originating {
  readonly incoming: Incoming
  readonly set: SaSetView
  readonly contact: Contact
  /** The dialog that it is inside of, or would make; by the UE's end. */
  readonly dialogKey: string
  /** Its To has a tag. */
  readonly isInDialog: boolean
  readonly known: KnownDialog | undefined
  readonly icid: string
}

/**
 * Requests of a registered UE: who it is from is said by the SA that it came in and nothing else, and it takes the way
 * that the registration laid down.
 *
 * @see TS 24.229 clauses 5.2.6.3.1, 5.2.6.3.3 and 5.2.6.3.5
 */
export class OriginatingRequests {
  readonly #context: PcscfContext
  readonly #own: OwnAddress

  constructor(context: PcscfContext) {
    this.#context = context
    const { host, sip, portPs } = context.config
    this.#own = { host, address: sip.address, portPs }
  }

  /** Takes a request in an SA set; it is answered once. */
  handle(incoming: Incoming): void {
    try {
      this.#handle(incoming)
    } catch (error) {
      if (!(error instanceof SipSyntaxError) && !(error instanceof InvalidIdentityError)) throw error
      this.#refuse(incoming, { status: 400, reason: 'malformed' })
    }
  }

  #handle(incoming: Incoming): void {
    const { request, set } = incoming
    const { config, contacts, clock } = this.#context
    const contact = set?.contact === undefined ? undefined : contacts.find(set.contact, clock.now())
    if (!set || !contact || set.state === 'closing') {
      this.#refuse(incoming, { status: 403, reason: 'not-registered' })
      return
    }
    // guard: sa-credentials — credentials of somebody else in one’s own SA are refused
    if (claimsOtherImpi(request, set)) {
      this.#refuseIdentity(incoming, set, 'impi-mismatch')
      return
    }
    const way = mayForward(request, config.host)
    const unsupported = optionTags(request, 'Proxy-Require').filter((tag) => tag !== 'sec-agree')
    if (!way.ok) this.#refuse(incoming, { status: way.status, reason: 'loop-or-hops' })
    else if (unsupported.length > 0) {
      const headers = [['Unsupported', unsupported.join(', ')]] as const
      this.#refuse(incoming, { status: 420, reason: 'extension-unsupported', headers })
    } else this.#route(incoming, set, contact)
  }

  #route(incoming: Incoming, set: SaSetView, contact: Contact): void {
    const { request } = incoming
    const { config, dialogs, random } = this.#context
    const sent = takeOwnRoutes(request.headers, this.#own)
    const problem = this.#tokenProblem(sent.tokens, contact)
    if (problem === 'token-of-other') {
      this.#refuseIdentity(incoming, set, problem)
      return
    }
    if (problem) {
      // Older than our keys: the subscription is made anew (RFC 6665 section 4.1.2.2).
      this.#refuse(incoming, { status: 481, reason: problem })
      return
    }
    const remoteTag = toTag(request)
    const isInDialog = remoteTag !== undefined
    const key = dialogKey(set.contact ?? '', callId(request), fromTag(request) ?? '')
    const found = isInDialog ? dialogs.find(key) : undefined
    const known = found?.remoteTag === remoteTag ? found : undefined
    const choice: RouteCheck = isInDialog
      ? checkDialogRoute({
          sent: sent.rest,
          hasToken: sent.tokens.length > 0,
          known: known?.route,
          serviceRoute: contact.serviceRoute,
        })
      : { ok: true, ...checkInitialRoute(sent.rest, contact.serviceRoute) }
    if (!choice.ok) this.#refuse(incoming, { status: 400, reason: choice.reason })
    else if (choice.isReplaced && config.serviceRouteMismatch === 'refuse') {
      this.#refuse(incoming, { status: 400, reason: 'route-mismatch' })
    } else {
      if (choice.isReplaced) this.#context.events.corrected('route')
      const icid = known?.icid ?? newIcid(random)
      this.#forward({ incoming, set, contact, dialogKey: key, isInDialog, known, icid }, choice.route)
    }
  }

  #forward(originating: Originating, route: readonly string[]): void {
    const { incoming, set, contact, isInDialog, icid } = originating
    const { config, core, events, securityServers, tokens } = this.#context
    const identity = chooseIdentity(incoming.request.headers, contact)
    // guard: no-identity-barred — whose identities are all barred is nobody
    if (!identity) {
      this.#refuseIdentity(incoming, set, 'no-public-identity')
      return
    }
    if (identity.hasForeignPreference) events.corrected('preferred-identity')
    if (!mirrorsSet(incoming.request, securityServers.textOf(set))) events.corrected('security-verify')
    const request = { ...incoming.request, headers: incoming.request.headers.clone() }
    const { headers } = request
    stampSource(request, incoming.source)
    stripFromUe(headers, true)
    stripSecAgree(headers)
    setIntegrityProtected(headers, undefined)
    headers.remove('P-Preferred-Identity')
    // guard: asserted-identity — who asks is whom the SA belongs to, not who the UE says it is
    headers.setAll('P-Asserted-Identity', identity.values)
    addNetworkAccess(headers, config.accessNetworkInfo)
    headers.set('P-Charging-Vector', chargingVector(icid, config.host, config.realm))
    headers.setAll('Route', route)
    if (!isInDialog && DIALOG_MAKING.includes(request.method)) {
      const token = tokens.make(contact.registrationId)
      if (token === undefined) {
        this.#refuse(incoming, { status: 503, reason: 'store-unavailable', retry: true })
        return
      }
      for (const value of recordRoutes(this.#own, token).toReversed()) headers.prepend('Record-Route', value)
    }
    countHop(request)
    events.identityAsserted(request.method, set, { impu: identity.impus[0], icid }, incoming.traceparent)
    const [first] = route
    const nextHop = first === undefined ? config.realm : routeHost(first)
    core.send(nextHop, request, envelopeOf(incoming, identity.impus), (outcome) =>
      this.#onOutcome(originating, outcome),
    )
  }

  #onOutcome(originating: Originating, outcome: CoreOutcome): void {
    const { incoming } = originating
    switch (outcome.kind) {
      case 'failed': {
        const { status, retry } = CORE_FAILURES[outcome.reason]
        this.#refuse(incoming, { status, retry, reason: outcome.reason })
        return
      }
      case 'response': {
        const { response } = outcome
        takeChallengeKeys(response.headers)
        if (DIALOG_MAKING.includes(incoming.request.method)) {
          noteDialog(this.#context.dialogs, { ...originating, request: incoming.request, response, own: this.#own })
        }
        stripToUe(response.headers)
        incoming.answer(response)
        return
      }
      default:
        assertNever(outcome)
    }
  }

  /** A token in Route names the registration that the dialog was made by: only that UE may use the dialog. */
  #tokenProblem(tokens: readonly string[], contact: Contact): 'token-of-other' | 'token-key-unknown' | undefined {
    for (const token of tokens) {
      const reading = this.#context.tokens.read(token)
      if (!reading.ok && reading.reason === 'token-key-unknown') return reading.reason
      // guard: dialog-own-token — a dialog is used by the UE that made it alone
      if (!reading.ok || !reading.registrationId.equals(contact.registrationId)) return 'token-of-other'
    }
    return undefined
  }

  #refuse(incoming: Incoming, refusal: Refusal): void {
    this.#context.events.refused(refusal.reason)
    incoming.answer(localResponse(incoming.request, refusal, this.#context.random))
  }

  #refuseIdentity(incoming: Incoming, set: SaSetView, reason: string): void {
    this.#context.events.identityRefused(reason, incoming.request.method, { impi: set.impi })
    incoming.answer(localResponse(incoming.request, { status: 403 }, this.#context.random))
  }
}

/** Credentials of somebody else in one's own SA. */
function claimsOtherImpi(request: SipRequest, set: SaSetView): boolean {
  return request.headers.getAll('Authorization').some((line) => {
    const username = parseAuth(line).params.get('username')?.value
    return username !== undefined && parseImpi(username) !== set.impi
  })
}
