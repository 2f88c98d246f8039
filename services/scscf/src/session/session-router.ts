import type { Clock, Impu } from '@rollcall/core'
import { AccessSecurity } from '@rollcall/proto-gen/hop'
import { startSpan } from '@rollcall/runtime'
import { parseNameAddr, type SipRequest, SipSyntaxError, sameSipUri, toTag } from '@rollcall/sip'
import { type FilterCriterion, nextMatch } from '../ifc/filter-criteria.ts'
import type { Refusal, RefusalReason } from '../refusal.ts'
import { RegEventServer } from '../reg-event/reg-event-server.ts'
import { liveContacts } from '../registrations/registration.ts'
import type { Owners } from '../replicas/owners.ts'
import type { PartitionUsers } from '../replicas/served-partition.ts'
import { isServerFailure } from '../sip/forward-failure.ts'
import type { Forwarder, ForwardOutcome } from '../sip/forwarder.ts'
import type { Incoming } from '../sip/incoming.ts'
import { classify } from './classify.ts'
import type { Directory } from './directory.ts'
import {
  cloneRequest,
  divertedLeg,
  factsOf,
  isOriginating,
  type Leg,
  makesDialog,
  servedUserHeader,
  type Vouched,
} from './leg.ts'
import type { OdiTable } from './odi-table.ts'
import { admitOriginating, servedUserOf } from './originating.ts'
import { type OwnRoute, odiRoute, recordRoute } from './own-route.ts'
import { bracketed, checkHops, nextHopHost, takeOwnRoute } from './routes.ts'
import { readTarget } from './target.ts'
import { admitTerminating } from './terminating.ts'

/** A request on its way through the procedures: what came, what it is now, and whose turn it is. */
interface Work {
  readonly incoming: Incoming
  readonly request: SipRequest
  readonly leg: Leg
  /** The criterion to go on at. */
  readonly index: number
}

/** A request on its way to somebody, whoever serves them. */
interface Call {
  readonly incoming: Incoming
  readonly request: SipRequest
  readonly vouched: Vouched
  /** It has passed a leg here; else it is as it came. */
  readonly isOnward: boolean
  /** It was brought to the wrong place before. */
  readonly isSecondTry?: boolean
}

/** What is remembered while a request is at an application server. */
export interface AtServer {
  readonly leg: Leg
  readonly nextIndex: number
  /** The Request-URI that it was sent with. */
  readonly requestUri: string
  /** The server gave the request back: it is alive, and what it answers later is not its own failure. */
  hasReturned: boolean
}

/** Who hears of what was decided. */
export interface SessionEvents {
  /** An application server failed, and the session went on without it or ended. */
  serverFailed(criterion: FilterCriterion, handling: FilterCriterion['defaultHandling']): void
}

export interface SessionRouterOptions {
  readonly realm: string
  /** Host of this node, one for all replicas: of its Vias, its Record-Routes and its Service-Route. */
  readonly host: string
  /** Name of this replica. */
  readonly replica: string
  readonly clock: Clock
  readonly owners: Pick<Owners, 'bring' | 'bringOnward' | 'bringTo' | 'servedHere'>
  /** Takes note of the set that an identity belongs to. */
  readonly onCanonical: (impu: Impu, canonicalImpu: Impu) => void
  readonly directory: Pick<Directory, 'find'>
  readonly forwarder: Pick<Forwarder, 'send' | 'knows'>
  readonly odis: OdiTable<AtServer>
  /** Notifier of the `reg` event package. */
  readonly regEvents: Pick<RegEventServer, 'subscribe' | 'inDialog' | 'isOurs'>
  readonly events: SessionEvents
  /** Answers a refused request. */
  readonly refuse: (incoming: Incoming, refusal: Refusal) => void
}

/**
 * The procedures for requests that are no REGISTER: originating and terminating legs with their filter criteria, requests
 * that application servers give back, and requests inside dialogs.
 *
 * @see TS 24.229 clauses 5.4.3.2 to 5.4.3.4
 */
export class SessionRouter {
  readonly #options: SessionRouterOptions

  constructor(options: SessionRouterOptions) {
    this.#options = options
  }

  /** @throws SipSyntaxError when a header field that the procedures need is malformed. */
  async route(incoming: Incoming): Promise<void> {
    const { request, role } = incoming
    const { host } = this.#options
    const hopRefusal = checkHops(request, host)
    if (hopRefusal) return this.#refuse(incoming, hopRefusal)
    const ownRoute = takeOwnRoute(request, host)
    if (RegEventServer.isInitial(request)) return await this.#watchRegistration(incoming, ownRoute)
    const procedure = classify({ role, isInDialog: toTag(request) !== undefined, ownRoute })
    switch (procedure.kind) {
      case 'refused':
        return this.#refuse(incoming, procedure.reason)
      case 'in-dialog':
        return await this.#forwardInDialog(incoming)
      case 'originating':
        return await this.#originate(incoming)
      case 'terminating': {
        const vouched = { ...vouchedBy(incoming), impi: '' }
        this.#assert(request, vouched)
        return await this.#terminate({ incoming, request, vouched, isOnward: false })
      }
      case 'returned':
        return await this.#return(incoming, procedure)
    }
  }

  /**
   * A SUBSCRIBE to registration state ends here: no criteria are evaluated for it. A P-CSCF sends it on the Service-Route
   * as everything, an application server to the user.
   *
   * @see TS 24.229 clause 5.4.2.1.1
   */
  async #watchRegistration(incoming: Incoming, ownRoute: OwnRoute | undefined): Promise<void> {
    const { request, role } = incoming
    const { realm, owners, regEvents } = this.#options
    if (role === 'pcscf' && ownRoute?.kind !== 'orig') return this.#refuse(incoming, 'no-service-route')
    const target = readTarget(request.uri, realm)
    if (!target.ok) return this.#refuse(incoming, target.reason)
    const { impu } = target
    await owners.bring(incoming, impu, (partition) => regEvents.subscribe(incoming, request, impu, partition))
  }

  /** A request of a user of ours, where the user's registration is. */
  async #originate(incoming: Incoming): Promise<void> {
    const { request, envelope } = incoming
    const servedUser = servedUserOf(envelope)
    if (servedUser === undefined) return this.#refuse(incoming, 'no-served-user')
    await this.#options.owners.bring(incoming, servedUser, async (partition) => {
      const now = this.#options.clock.now()
      const admission = admitOriginating(envelope, (impu) => partition.findByImpu(impu), now)
      if (!admission.ok) return this.#refuse(incoming, admission.reason)
      // What stands behind the Service-Route is no route of ours.
      request.headers.remove('Route')
      this.#assert(request, admission.leg.vouched)
      await this.#enterLeg(incoming, request, admission.leg)
    })
  }

  /** Inside a dialog the recorded route decides alone (RFC 3261 section 16.12). */
  async #forwardInDialog(incoming: Incoming): Promise<void> {
    const { request } = incoming
    const { host } = this.#options
    while (takeOwnRoute(request, host)) {
      // Each leg of ours that the request has passed.
    }
    if (this.#options.regEvents.isOurs(request)) return await this.#options.regEvents.inDialog(incoming, request)
    const vouched = vouchedBy(incoming)
    if (incoming.role === 'pcscf') this.#assert(request, vouched)
    this.#forward(incoming, request, vouched)
  }

  /** An application server gives a request back: its leg goes on where it left. */
  async #return(incoming: Incoming, { token, replica }: { token: string; replica: string }): Promise<void> {
    const { request } = incoming
    const { odis, owners } = this.#options
    if (replica !== this.#options.replica) {
      if (!owners.bringTo(replica, incoming)) this.#refuse(incoming, 'not-in-dialog')
      return
    }
    const entry = odis.get(token)
    // Forgotten, so it is a new request, and an application server may not send those.
    if (!entry) return this.#refuse(incoming, 'not-in-dialog')
    entry.hasReturned = true
    const { leg, nextIndex } = entry
    request.headers.remove('P-Served-User')
    this.#assert(request, leg.vouched)
    if (!isOriginating(leg) && !sameSipUri(request.uri, entry.requestUri)) {
      // It goes to somebody else now: this user's terminating chain ends here, and what it does as one who diverts begins.
      return await this.#runChain({ incoming, request, leg: divertedLeg(leg), index: 0 })
    }
    await this.#runChain({ incoming, request, leg, index: nextIndex })
  }

  /** Where the registration of the user who is called is. */
  async #terminate(call: Call): Promise<void> {
    const { incoming, request } = call
    const { owners, realm } = this.#options
    const target = readTarget(request.uri, realm)
    if (!target.ok) return this.#refuse(incoming, target.reason)
    const { impu } = target
    const here = (partition: PartitionUsers): Promise<void> => this.#terminateHere(call, impu, partition)
    if (call.isOnward)
      await owners.bringOnward({ ...call, on: (outcome) => this.#answer(incoming, outcome) }, impu, here)
    else await owners.bring(incoming, impu, here)
  }

  async #terminateHere(call: Call, impu: Impu, partition: PartitionUsers): Promise<void> {
    const { incoming, request, vouched } = call
    const entry = await this.#options.directory.find(impu, partition)
    if (entry.kind === 'elsewhere') {
      // The HSS was asked meanwhile: the partition went, or the identity is of another set than was thought.
      this.#options.onCanonical(impu, entry.canonicalImpu)
      if (!call.isSecondTry) return await this.#terminate({ ...call, isSecondTry: true })
    }
    const admission = admitTerminating(impu, entry, vouched)
    if (!admission.ok) return this.#refuse(incoming, admission.reason)
    await this.#enterLeg(incoming, request, admission.leg)
  }

  async #enterLeg(incoming: Incoming, request: SipRequest, leg: Leg): Promise<void> {
    if (makesDialog(request)) {
      const side = isOriginating(leg) ? 'originating' : 'terminating'
      request.headers.prepend('Record-Route', recordRoute(side, this.#options.host))
    }
    await this.#runChain({ incoming, request, leg, index: 0 })
  }

  async #runChain(work: Work): Promise<void> {
    const { leg, request, incoming } = work
    const match = this.#evaluate(work)
    if (match) return this.#sendToServer(work, match.criterion, match.nextIndex)
    if (isOriginating(leg)) return await this.#terminate({ incoming, request, vouched: leg.vouched, isOnward: true })
    this.#deliver(work)
  }

  #evaluate({ leg, request, incoming, index }: Work): ReturnType<typeof nextMatch> {
    const span = startSpan('scscf filter criteria', { parent: incoming.traceparent })
    const match = nextMatch(leg.criteria, index, factsOf(request, leg.sessionCase))
    if (match) span.setAttribute('rollcall.hop.host', match.criterion.serverHost)
    span.end()
    return match
  }

  /** Route: the application server, then us with the original dialog identifier (TS 24.229 clause 5.4.3.2 step 5). */
  #sendToServer(work: Work, criterion: FilterCriterion, nextIndex: number): void {
    const { host, replica, odis } = this.#options
    const { leg, request, incoming } = work
    const entry: AtServer = { leg, nextIndex, requestUri: request.uri, hasReturned: false }
    const token = odis.put(entry)
    const outgoing = cloneRequest(request)
    outgoing.headers.prepend('Route', odiRoute(token, { replica, host }))
    outgoing.headers.prepend('Route', bracketed(criterion.serverName))
    outgoing.headers.set('P-Served-User', servedUserHeader(leg))
    this.#send(incoming, outgoing, criterion.serverHost, leg.vouched, (outcome) => {
      if (isProvisional(outcome)) {
        // It is alive, whatever it says later.
        entry.hasReturned = true
        this.#answer(incoming, outcome)
        return
      }
      odis.delete(token)
      if (!isServerFailure(outcome) || entry.hasReturned) {
        this.#answer(incoming, outcome)
        return
      }
      this.#options.events.serverFailed(criterion, criterion.defaultHandling)
      if (criterion.defaultHandling === 'terminated') this.#answer(incoming, outcome)
      else this.#guard(incoming, this.#runChain({ ...work, index: nextIndex }))
    })
  }

  /**
   * To the user's own contact. Choice: of several the one that was bound last; forking is not needed for presence, whose
   * requests end at the application server.
   *
   * @see TS 24.229 clause 5.4.3.3, RFC 3327 section 5.3
   */
  #deliver({ incoming, request, leg }: Work): void {
    const { owners, clock } = this.#options
    const partition = owners.servedHere(leg.canonicalImpu)
    if (!partition) {
      this.#refuse(incoming, 'not-served-here')
      return
    }
    const set = partition.findByImpu(leg.servedUser)
    const contact = set && liveContacts(set, clock.now()).at(-1)
    if (!contact) {
      this.#refuse(incoming, 'target-unregistered')
      return
    }
    for (const name of BETWEEN_SERVERS) request.headers.remove(name)
    request.headers.set('P-Called-Party-ID', bracketed(request.uri))
    request.headers.setAll('Route', contact.path)
    request.uri = parseNameAddr(contact.value, 'Contact').uri
    this.#forward(incoming, request, leg.vouched)
  }

  #forward(incoming: Incoming, request: SipRequest, vouched: Vouched): void {
    const next = nextHopHost(request)
    const isOurselves = next === this.#options.realm || next === this.#options.host
    if (isOurselves || !this.#options.forwarder.knows(next)) this.#refuse(incoming, 'next-hop-unknown')
    else this.#send(incoming, request, next, vouched, (outcome) => this.#answer(incoming, outcome))
  }

  #send(
    incoming: Incoming,
    request: SipRequest,
    host: string,
    vouched: Vouched,
    on: (outcome: ForwardOutcome) => void,
  ): void {
    const { traceparent, deadlineAtMs } = incoming
    const { receivedAtMs } = incoming.envelope
    this.#options.forwarder.send(host, { request, vouched, receivedAtMs, traceparent, deadlineAtMs }, on)
  }

  #answer(incoming: Incoming, outcome: ForwardOutcome): void {
    if (outcome.kind === 'failed') this.#refuse(incoming, outcome.reason)
    // A 100 is between two nodes (RFC 3261 section 16.7 step 2).
    else if (outcome.response.status > 100) incoming.reply(outcome.response)
  }

  /** The header field says what the envelope says, whatever it said before. */
  #assert(request: SipRequest, vouched: Vouched): void {
    request.headers.remove('P-Preferred-Identity')
    request.headers.setAll('P-Asserted-Identity', vouched.assertedIdentities.map(bracketed))
  }

  #refuse(incoming: Incoming, reason: RefusalReason): void {
    this.#options.refuse(incoming, { reason })
  }

  /** A step that goes on after an answer has nobody above it who could catch. */
  #guard(incoming: Incoming, step: Promise<void>): void {
    void step.catch((error: unknown) => {
      if (!(error instanceof SipSyntaxError)) throw error
      this.#refuse(incoming, 'malformed')
    })
  }
}

/** Of no concern to the UE, nor to its P-CSCF (TS 24.229 clause 5.4.3.3, RFC 4457, RFC 5002, RFC 5502). */
const BETWEEN_SERVERS = ['P-Served-User', 'P-User-Database', 'P-Profile-Key'] as const

/** What a peer vouches for, as far as its role lets it: an application server asserts nobody. */
function vouchedBy({ envelope, role }: Incoming): Vouched {
  if (role === 'presence' || role === 'as') {
    return { accessSecurity: AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN, impi: '', assertedIdentities: [] }
  }
  const { accessSecurity, assertedIdentities } = envelope
  return { accessSecurity, impi: '', assertedIdentities }
}

function isProvisional(outcome: ForwardOutcome): boolean {
  return outcome.kind === 'response' && outcome.response.status < 200
}
