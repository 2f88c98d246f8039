import { type Clock, type Impu, InvalidIdentityError, parseImpu, type Random } from '@rollcall/core'
import { newTag } from '@rollcall/sip'
import {
  capsDocument,
  decideXcap,
  directoryDocument,
  documentPath,
  mayAccess,
  parseXcapUri,
  type StoredDocument,
  XCAP_CAPS_USAGE,
  XCAP_DIRECTORY_USAGE,
  type XcapUri,
  XcapUriError,
  type XcapUsage,
} from '@rollcall/xcap'
import { documentOfKey, USER_USAGES } from '../actor/documents.ts'
import type { PresentityState } from '../actor/state.ts'
import { PartitionLostError, UserDataUnavailableError } from '../errors.ts'
import type { PresenceEvents } from '../events.ts'
import type { PartitionOwner } from '../partition/owner.ts'
import type { DocumentAsk } from '../partition/owner-context.ts'
import type { PartitionDirectory } from '../partition/partitions.ts'
import type { UserData, UserDataCache } from '../sh/user-data.ts'
import { answerOf, refusal } from './answers.ts'
import type { XcapAnswer, XcapMessage } from './xcap-message.ts'

/** What may be asked for here. */
const USAGES: readonly XcapUsage[] = [...USER_USAGES, XCAP_CAPS_USAGE, XCAP_DIRECTORY_USAGE]
/** So long a change may take to be durable and in force; then the client is told to come again. */
const CHANGE_MS_MAX = 8_000

/** Sends a request to the replica that owns the partition, and gives its answer. @throws RpcError */
export type ForwardXcap = (target: string, message: XcapMessage) => Promise<XcapAnswer>

export interface XcapFrontOptions {
  readonly users: Pick<UserDataCache, 'peek' | 'fetch'>
  readonly partitions: PartitionDirectory & {
    ownerElsewhere(partition: number): { readonly target: string } | undefined
  }
  readonly events: PresenceEvents
  readonly clock: Clock
  readonly random: Random
  /** With a slash at its end. */
  readonly root: string
  readonly forward: ForwardXcap
}

/**
 * Answers XCAP requests: finds out what is named and whether its sender may, and brings it to the owner of the user's
 * partition, here or at another replica.
 *
 * @see RFC 4825; TS 24.141 clause 6 (manipulation of presence documents over Ut)
 */
export class XcapFront {
  readonly #o: XcapFrontOptions
  readonly #rootPath: string
  /** The same for everybody until the next release. */
  readonly #caps: StoredDocument

  constructor(options: XcapFrontOptions) {
    this.#o = options
    this.#rootPath = new URL(options.root).pathname.replace(/\/$/, '')
    this.#caps = { octets: capsDocument(USAGES), etag: 'caps' }
  }

  /** @param isForwarded another replica sent it here, and it goes no further. */
  async answer(message: XcapMessage, isForwarded = false): Promise<XcapAnswer> {
    const answer = await this.#answer(message, isForwarded)
    if (!isForwarded) this.#o.events.xcapAnswered(message, answer.status)
    return answer
  }

  async #answer(message: XcapMessage, isForwarded: boolean): Promise<XcapAnswer> {
    const uri = this.#uri(message.target)
    if (!('auid' in uri)) return uri
    const usage = USAGES.find(({ auid }) => auid === uri.auid)
    if (!usage) return refusal(404)
    // guard: xcap-access — a user's documents are the user's
    if (!mayAccess(uri, message.method, message.identities)) return refusal(403)
    if (uri.tree.kind === 'global') {
      return answerOf(decideXcap(requestOf(message, uri), this.#caps, usage, this.#caps.etag))
    }
    const impu = impuOf(uri.tree.xui)
    if (impu === undefined) return refusal(404)
    try {
      const user = await this.#user(impu, message.traceparent)
      return user ? await this.#ofUser(message, uri, usage, user, isForwarded) : refusal(404)
    } catch (error) {
      if (error instanceof UserDataUnavailableError || error instanceof PartitionLostError) return refusal(503)
      throw error
    }
  }

  async #user(impu: Impu, traceparent: string): Promise<UserData | undefined> {
    const known = this.#o.users.peek(impu)
    if (known === 'unknown') return undefined
    return known === 'missing' ? await this.#o.users.fetch(impu, traceparent) : known
  }

  async #ofUser(
    message: XcapMessage,
    uri: XcapUri,
    usage: XcapUsage,
    user: UserData,
    isForwarded: boolean,
  ): Promise<XcapAnswer> {
    const { partitions, random, forward } = this.#o
    const owner = partitions.ownerOf(user.partition)
    if (owner) {
      return await this.#atOwner(owner, {
        presentity: user.canonical,
        request: requestOf(message, uri),
        usage,
        newEtag: newTag(random),
        user,
        traceparent: message.traceparent,
        ...(usage === XCAP_DIRECTORY_USAGE && { read: (documents) => this.#directory(uri, documents) }),
      })
    }
    const member = partitions.ownerElsewhere(user.partition)
    // What was forwarded once goes no further: two replicas that each think the other has it would send it round.
    return member && !isForwarded ? await forward(member.target, message) : refusal(503)
  }

  /** Whether a change was made that takes too long to confirm nobody knows: the client asks again. */
  async #atOwner(owner: PartitionOwner, ask: DocumentAsk): Promise<XcapAnswer> {
    const { promise: late, resolve } = Promise.withResolvers<XcapAnswer>()
    const timer = this.#o.clock.setTimer(CHANGE_MS_MAX, () => resolve(refusal(503)))
    try {
      return await Promise.race([owner.document(ask).then(answerOf), late])
    } finally {
      timer.cancel()
    }
  }

  #uri(target: string): XcapUri | XcapAnswer {
    try {
      return parseXcapUri(target, this.#rootPath)
    } catch (error) {
      if (!(error instanceof XcapUriError)) throw error
      return refusal(error.code === 'XCAP_URI_NOT_FOUND' ? 404 : 400)
    }
  }

  #directory({ tree }: XcapUri, documents: PresentityState['documents']): StoredDocument {
    const entries = [...(documents?.entries() ?? [])].map(([key, { octets, etag }]) => {
      const { auid, document } = documentOfKey(key)
      return { auid, uri: this.#o.root + documentPath({ auid, tree, document }), etag, size: octets.length }
    })
    const octets = directoryDocument(entries)
    return { octets, etag: entries.map(({ etag }) => etag).join('.') || 'empty' }
  }
}

function requestOf(message: XcapMessage, uri: XcapUri) {
  const { method, body, contentType, ifMatch, ifNoneMatch } = message
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  return { method, uri, body, contentType: mediaType, ifMatch, ifNoneMatch }
}

function impuOf(xui: string): Impu | undefined {
  try {
    return parseImpu(xui)
  } catch (error) {
    if (error instanceof InvalidIdentityError) return undefined
    throw error
  }
}
