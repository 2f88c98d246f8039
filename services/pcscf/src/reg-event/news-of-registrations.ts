import { assertNever, RollcallError } from '@rollcall/core'
import type { Reginfo } from '@rollcall/reginfo'
import { type Contact, contactKey } from '../contacts/contact.ts'
import type { Change } from '../contacts/record.ts'
import type { PcscfContext } from '../context.ts'
import type { Refusal } from '../edge/local-answers.ts'
import { applyReginfo } from './apply-reginfo.ts'

/** What came of a document. */
export interface NewsOutcome {
  /** The contact is registered no more. */
  readonly isGone: boolean
  /** It counts here, and could not be written: the notifier is to tell it again. */
  readonly refusal: Refusal | undefined
}

/** Does what the network says of a registration: identities and contacts go, or end earlier. */
export class NewsOfRegistrations {
  readonly #context: PcscfContext

  constructor(context: PcscfContext) {
    this.#context = context
  }

  /** What takes something away counts at once, whether it can be written or not. */
  async tell({ registrationId }: Pick<Contact, 'registrationId'>, info: Reginfo): Promise<NewsOutcome> {
    const { clock, contacts, events } = this.#context
    const nowMs = clock.now()
    const contact = contacts.findById(registrationId, nowMs)
    if (!contact) return { isGone: true, refusal: undefined }
    const news = applyReginfo(contact, info, nowMs)
    switch (news.kind) {
      case 'unchanged':
        return { isGone: false, refusal: undefined }
      case 'changed':
        events.regEvent(news.isShortened ? 'shortened' : 'identities')
        contacts.bind(news.contact)
        return { isGone: false, refusal: await this.#write({ kind: 'contact-bound', contact: news.contact }) }
      case 'gone':
        events.regEvent('ended')
        this.#end(contact, nowMs)
        return {
          isGone: true,
          refusal: await this.#write({ kind: 'contact-removed', registrationId, reason: 'network' }),
        }
      default:
        return assertNever(news)
    }
  }

  /**
   * Nothing is asserted for this UE any more. Its sets end 64*T1 later, and carry until then what the S-CSCF tells the UE
   * about it.
   *
   * @see TS 24.229 clause 5.2.5.2
   */
  #end(contact: Contact, nowMs: number): void {
    const { config, contacts, events, sets } = this.#context
    contacts.leave(contact.registrationId, nowMs + config.oldSetGraceMs)
    const key = contactKey(contact.impi, contact.instance)
    // guard: network-deregistration — whom the network no longer registers has no SAs to speak in
    sets.tell(contact.impi, { kind: 'deregistered', contact: key, id: undefined })
    events.registrationEnded('network', contact.impi)
  }

  async #write(change: Change): Promise<Refusal | undefined> {
    try {
      await this.#context.changes.append(change, '')
      return undefined
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      this.#context.log.warn({ err: error }, 'what the network told of a registration could not be written')
      return { status: 503, reason: 'store-unavailable', retry: true }
    }
  }
}
