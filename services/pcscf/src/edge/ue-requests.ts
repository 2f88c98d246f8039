import type { Clock } from '@rollcall/core'
import { PAYLOAD_BYTES_MAX, PacketTooLargeError } from '@rollcall/esp-net'
import { ClientTransactions, type SipRequest, type SipResponse, type SipTimers } from '@rollcall/sip'
import type { SaSetView } from '../sa/sa-table.ts'
import type { Flow } from './flow.ts'
import { branchOf, octetsOf } from './message-facts.ts'

/** What comes of a request to a UE. */
export interface UeAnswer {
  response(response: SipResponse): void
  /** Timer F, or the set ended before: the UE is not there. */
  timeout(): void
}

/** How a response from a UE was taken. */
export type ResponseTaking = 'taken' | 'stray' | 'of-other-ue'

/**
 * Requests to UEs. Only the contact that a request was sent to may answer it, whoever else learns of its branch; in which
 * of its sets does not matter, for a new one may have come into use meanwhile.
 */
export class UeRequests {
  readonly #clients: ClientTransactions<Flow>
  readonly #contactOf = new Map<string, string | undefined>()

  constructor(o: {
    readonly clock: Clock
    readonly timers: SipTimers
    readonly transactionsMax: number
    readonly send: (flow: Flow, bytes: Buffer) => void
  }) {
    this.#clients = new ClientTransactions(o)
  }

  get size(): number {
    return this.#clients.size
  }

  /** Requests without an answer. */
  get awaited(): number {
    return this.#contactOf.size
  }

  /**
   * Sends a request, whose branch is new, in a set. Once this returned, `on` is told once.
   *
   * @throws PacketTooLargeError and other errors of @rollcall/esp-net, TransactionsFullError; nothing is under way then.
   */
  send(set: SaSetView, request: SipRequest, on: UeAnswer): void {
    const octets = octetsOf(request)
    if (octets > PAYLOAD_BYTES_MAX) throw new PacketTooLargeError(octets, PAYLOAD_BYTES_MAX)
    const branch = branchOf(request) ?? ''
    const end = (): void => void this.#contactOf.delete(branch)
    const timeout = (): void => {
      end()
      on.timeout()
    }
    this.#contactOf.set(branch, set.contact)
    try {
      this.#clients.request(
        request,
        { kind: 'protected', setId: set.id },
        {
          response(response) {
            if (response.status < 200) return
            end()
            on.response(response)
          },
          timeout,
          sendError: timeout,
        },
      )
    } catch (error) {
      end()
      throw error
    }
  }

  /** Takes a response that came in `set`. */
  receive(response: SipResponse, set: SaSetView): ResponseTaking {
    const branch = branchOf(response) ?? ''
    // guard: response-own-ue — only the UE that was asked may answer
    if (this.#contactOf.has(branch) && this.#contactOf.get(branch) !== set.contact) return 'of-other-ue'
    return this.#clients.receive(response) ? 'taken' : 'stray'
  }

  close(): void {
    this.#clients.close()
    this.#contactOf.clear()
  }
}
