import type { Impu } from '@rollcall/core'
import { expires, newTag, parseContacts, parseSipUri, SipSyntaxError, toUri } from '@rollcall/sip'
import type { Answer } from '../actor/decision.ts'
import type { RegisterInput } from '../actor/register.ts'
import type { AnswerListener } from '../partition/answers.ts'
import type { PartitionOwner } from '../partition/owner.ts'
import type { GoneWatcher } from '../registration/watcher-ends.ts'
import type { UserData } from '../sh/user-data.ts'
import { impuOf, requestKey } from './fields.ts'
import type { FrontContext } from './front-context.ts'
import type { IncomingRequest } from './incoming-request.ts'

/** So much earlier than the sender stops waiting it is answered. */
const DEADLINE_SLACK_MS = 250

/** A third-party REGISTER, read. */
interface Read {
  readonly incoming: IncomingRequest
  readonly impu: Impu | undefined
  readonly binding: RegisterInput['binding']
  readonly toldAtMs: number
}

/**
 * Reads third-party REGISTERs: an S-CSCF says who is registered. What it says of a presentity is kept, and shown to its
 * watchers; when somebody is registered no more, what it watches ends, everywhere, before that is answered 200.
 *
 * @see RFC 3261 section 10.3; TS 24.229 clauses 5.4.1.7 and 5.7.1.1
 */
export class RegisterFront {
  readonly #o: FrontContext

  constructor(context: FrontContext) {
    this.#o = context
  }

  /** @throws SipSyntaxError */
  take(incoming: IncomingRequest): void {
    const { request, host } = incoming
    // guard: register-plain — who is registered is said by an S-CSCF, and by nobody whose identity is not settled
    if (!incoming.origin) {
      incoming.refuse('peer-role')
      return
    }
    if (parseSipUri(request.uri).host.toLowerCase() !== host) {
      incoming.refuse('register-domain')
      return
    }
    const read: Read = {
      incoming,
      impu: impuOf(toUri(request)),
      binding: this.#binding(incoming),
      toldAtMs: this.#toldAtMs(incoming),
    }
    const { finder } = this.#o
    finder.ofUser(
      incoming,
      read.impu,
      (user, owner) => this.#registerFor(read, user, owner),
      () => {
        this.#unknown(read)
      },
    )
  }

  /** @throws SipSyntaxError */
  #binding({ request }: IncomingRequest): RegisterInput['binding'] {
    const contacts = parseContacts(request.headers.getAll('Contact'))
    const seconds = expires(request)
    if (contacts === '*') {
      if (seconds !== 0) throw new SipSyntaxError('Contact', 'is * without Expires: 0')
      return { contact: '', expiresSeconds: 0 }
    }
    const [contact, ...more] = contacts
    if (!contact) return undefined
    if (more.length > 0) throw new SipSyntaxError('Contact', 'is there more than once')
    return { contact: contact.uri, expiresSeconds: contact.expiresSeconds ?? seconds }
  }

  /** When it came to be at the S-CSCF, by its word; never later than now, whatever its clock says. */
  #toldAtMs({ envelope }: IncomingRequest): number {
    const nowMs = this.#o.clock.now()
    return envelope.receivedAtMs === 0n ? nowMs : Math.min(nowMs, Number(envelope.receivedAtMs))
  }

  #registerFor({ incoming, binding, toldAtMs }: Read, user: UserData, owner: PartitionOwner): void {
    const { request, fields, traceparent } = incoming
    const { events, random, hashIdentity } = this.#o
    const { canonical: presentity, impus, partition } = user
    incoming.note(() => ({ 'rollcall.presentity_hash': hashIdentity(presentity), 'rollcall.partition': partition }))
    const input: RegisterInput = {
      kind: 'register',
      binding,
      toldAtMs,
      callId: fields.callId,
      cseq: fields.cseq.sequence,
      newTag: newTag(random),
    }
    const watcher = { impus: [...new Set([presentity, ...impus])], beforeMs: toldAtMs }
    owner.request(
      {
        presentity,
        key: requestKey(request, fields),
        traceparent,
        input,
        policy: user,
        decided: ({ refusal }) => refusal && events.refused(refusal),
      },
      binding?.expiresSeconds === 0 ? this.#afterEnds(incoming, watcher) : incoming,
    )
  }

  /** Whom the HSS does not know any more may watch still. */
  #unknown({ incoming, impu, binding, toldAtMs }: Read): void {
    if (impu === undefined || binding?.expiresSeconds !== 0) {
      incoming.refuse('presentity-unknown')
      return
    }
    const answer = { status: 200, headers: [], toTag: newTag(this.#o.random) }
    this.#afterEnds(incoming, { impus: [impu], beforeMs: toldAtMs }).answer(answer)
  }

  /** Lets a 200 leave when the subscriptions of the watcher have ended; else the S-CSCF is to tell again. */
  #afterEnds(incoming: IncomingRequest, watcher: GoneWatcher): AnswerListener {
    const { ends, events } = this.#o
    return {
      unavailable: (reason) => incoming.unavailable(reason),
      answer: (answer: Answer) => {
        if (answer.status !== 200) {
          incoming.answer(answer)
          return
        }
        const budgetMs = Math.max(0, (incoming.origin?.deadlineMs() ?? 0) - DEADLINE_SLACK_MS)
        void ends.endEverywhere(watcher, budgetMs).then((subscriptions) => {
          // guard: watcher-not-ended — a 200 would be the end of it, with subscriptions left that nobody ends
          if (subscriptions === undefined) incoming.refuse('watcher-not-ended')
          else {
            events.watcherEnded(subscriptions)
            incoming.answer(answer)
          }
        })
      },
    }
  }
}
