import type { Impu } from '@rollcall/core'
import { event, type SipRequest, SipSyntaxError, toTag } from '@rollcall/sip'
import type { Refusal } from '../refusal.ts'
import type { Owners } from '../replicas/owners.ts'
import type { PartitionUsers } from '../replicas/served-partition.ts'
import { replyResponse } from '../sip/answers.ts'
import type { Incoming } from '../sip/incoming.ts'
import type { RegAsker } from './authorize.ts'
import { contactHostOf } from './decide-subscribe.ts'
import { partitionOfContact } from './notify.ts'
import type { RegEvents, SubscribeOutcome } from './reg-events.ts'

export interface RegEventServerOptions {
  /** Own host name. */
  readonly host: string
  readonly owners: Pick<Owners, 'bringToPartition'>
  readonly refuse: (incoming: Incoming, refusal: Refusal) => void
}

/** The notifier's side of the `reg` event package: takes SUBSCRIBEs to where the registration is, and answers them. */
export class RegEventServer {
  readonly #options: RegEventServerOptions

  constructor(options: RegEventServerOptions) {
    this.#options = options
  }

  /** Whether a request asks for registration state. @throws SipSyntaxError */
  static isInitial(request: SipRequest): boolean {
    if (request.method !== 'SUBSCRIBE' || toTag(request) !== undefined || !request.headers.has('Event')) return false
    return event(request).package === 'reg'
  }

  /** Whether a request in a dialog is sent to one of ours. */
  isOurs(request: SipRequest): boolean {
    return partitionOfContact(request.uri, this.#options.host) !== undefined
  }

  /**
   * A SUBSCRIBE outside of a dialog, where the registration of `impu` is.
   *
   * @throws SipSyntaxError
   * @see TS 24.229 clause 5.4.2.1.1
   */
  async subscribe(
    incoming: Incoming,
    request: SipRequest,
    impu: Impu,
    partition: Pick<PartitionUsers, 'regEvents'>,
  ): Promise<void> {
    const { regEvents } = partition
    const outcome = await regEvents.subscribe(request, impu, askerOf(incoming, request), incoming.traceparent)
    this.#answer(incoming, request, outcome, regEvents)
  }

  /** A request in a dialog of ours. @throws SipSyntaxError */
  async inDialog(incoming: Incoming, request: SipRequest): Promise<void> {
    const partition = partitionOfContact(request.uri, this.#options.host)
    const id = toTag(request)
    if (partition === undefined || id === undefined || request.method !== 'SUBSCRIBE') {
      this.#options.refuse(incoming, { reason: 'reg-event-dialog' })
      return
    }
    await this.#options.owners.bringToPartition(incoming, partition, async ({ regEvents }) => {
      const outcome = await regEvents.resubscribe(request, id, askerOf(incoming, request), incoming.traceparent)
      this.#answer(incoming, request, outcome, regEvents)
    })
  }

  #answer(incoming: Incoming, request: SipRequest, outcome: SubscribeOutcome, regEvents: Pick<RegEvents, 'answered'>) {
    if (!outcome.ok) {
      this.#options.refuse(incoming, outcome.refusal)
      return
    }
    const { id, expiresSeconds, contact } = outcome
    const recorded = request.headers.list('Record-Route').map((value) => ['Record-Route', value] as const)
    const headers = [...recorded, ['Contact', contact], ['Expires', String(expiresSeconds)]] as const
    incoming.reply(replyResponse(request, { status: 200, toTag: id, headers }))
    regEvents.answered(id, expiresSeconds)
  }
}

function askerOf({ role, envelope }: Incoming, request: SipRequest): RegAsker {
  const contactHost = contactHostOf(request)
  if (contactHost === '') throw new SipSyntaxError('Contact', 'has no host')
  return { role, impi: envelope.impi, assertedIdentities: envelope.assertedIdentities, contactHost }
}
