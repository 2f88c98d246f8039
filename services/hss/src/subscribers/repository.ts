import type { AkaKeys } from '@rollcall/aka'
import type { Impi, Impu, Random, Secret } from '@rollcall/core'
import type { Guss } from '@rollcall/gba'
import { ServiceProfile } from '@rollcall/proto-gen/cx'
import { IdentityRecord, SubscriptionRecord } from '@rollcall/proto-gen/hss'
import { PresencePolicy } from '@rollcall/proto-gen/sh'
import { KeyExistsError, RevisionMismatchError } from '@rollcall/store'
import { ConcurrentChangeError, SubscriberExistsError, TooManyPasswordsError } from '../errors.ts'
import { KeyedQueue } from '../keyed-queue.ts'
import type { Bucket, RecordSealer } from './bucket.ts'
import { openHa1, sealHa1 } from './digest-seal.ts'
import { needsResealing, openKeys, resealKeys, sealKeys } from './key-seal.ts'
import { decodeRecord, encodeLive, encodeRecord, subscriberOf } from './record.ts'
import { RecordKeys, SUBSCRIPTION_PREFIX } from './record-keys.ts'
import { impusOf, type NewSubscriber, type PrivateUser, privateUserOf, type Subscriber } from './subscriber.ts'

/** How often an add or remove that met somebody else's write starts again before it gives up. */
const ATTEMPTS_MAX = 5

/** `Choice:` realms in which one user may have a password: an authentication proxy, a Presence Server, and room for more. */
const DIGEST_REALMS_MAX = 8

/** Octets of the random mark of one add. */
const GENERATION_OCTETS = 16

/** An identity record that leads to a subscription. */
interface Claim {
  readonly identityKey: string
  readonly identity: string
}

/**
 * The subscribers, over key-value records with compare-and-set.
 *
 * A subscriber is one subscription record and one identity record for each IMPI and IMPU, which leads to it. There are
 * no transactions, so one record decides: a subscriber exists if and only if its subscription record is live. `add`
 * writes the identity records first and the subscription record last; `remove` does the reverse. A crash in between
 * leaves identity records that lead nowhere: whoever wants the identity takes them over, after writing the subscription
 * record that they name, so that the add which made them, should it still live, fails at its commit.
 */
export class SubscriberRepository {
  readonly #bucket: Bucket
  readonly #sealer: RecordSealer
  readonly #random: Random
  readonly #changes = new KeyedQueue()
  readonly keys: RecordKeys

  constructor(options: { readonly bucket: Bucket; readonly sealer: RecordSealer; readonly random: Random }) {
    this.#bucket = options.bucket
    this.#sealer = options.sealer
    this.#random = options.random
    this.keys = new RecordKeys(options.sealer)
  }

  async findById(subscriptionId: string): Promise<Subscriber | undefined> {
    return (await this.#read(this.keys.subscription(subscriptionId))).subscriber
  }

  async findByImpi(impi: Impi): Promise<Subscriber | undefined> {
    const subscriber = await this.#follow(this.keys.impi(impi))
    return subscriber && privateUserOf(subscriber, impi) ? subscriber : undefined
  }

  async findByImpu(impu: Impu): Promise<Subscriber | undefined> {
    const subscriber = await this.#follow(this.keys.impu(impu))
    return subscriber && impusOf(subscriber).includes(impu) ? subscriber : undefined
  }

  /** K and OPc or TOPc of a user, in the clear, for one computation. */
  keysOf(subscriber: Subscriber, user: PrivateUser): AkaKeys {
    return openKeys(this.#sealer, subscriber.recordKey, user)
  }

  /**
   * Adds a subscriber: `created`, or `same` when the very same one is there already, keys included.
   *
   * @throws SubscriberExistsError naming everything that belongs to somebody already.
   * @throws ConcurrentChangeError when others keep changing the same records.
   */
  async add(subscriber: NewSubscriber): Promise<'created' | 'same'> {
    return await this.#withRetry(() => this.#tryAdd(subscriber))
  }

  /**
   * Removes a subscriber and gives what was removed, or undefined when there is none.
   *
   * @throws ConcurrentChangeError when others keep changing the same records.
   */
  async remove(subscriptionId: string): Promise<Subscriber | undefined> {
    return await this.#withRetry(() => this.#tryRemove(subscriptionId))
  }

  /**
   * Gives the presentity with this identity another policy: the subscriber as it is then, or undefined when there is none.
   * The same policy again writes nothing.
   *
   * @throws ConcurrentChangeError when others keep changing the same record.
   */
  async setPresencePolicy(impu: Impu, presencePolicy: PresencePolicy): Promise<Subscriber | undefined> {
    // One after the other: so many changes at once would use up each other's tries.
    return await this.#changes.run(this.keys.impu(impu), () =>
      this.#withRetry(async () => {
        const subscriber = await this.findByImpu(impu)
        if (!subscriber || isSameMessage(PresencePolicy, subscriber.presencePolicy, presencePolicy)) return subscriber
        return await this.#replace({ ...subscriber, presencePolicy })
      }),
    )
  }

  /**
   * Gives a user a password in one realm, or takes it away: the user as it is then, or undefined when there is none.
   *
   * @throws TooManyPasswordsError; ConcurrentChangeError.
   */
  async setDigestPassword(impi: Impi, realm: string, ha1: Secret | undefined): Promise<PrivateUser | undefined> {
    return await this.#changeUser(impi, (user, recordKey) => {
      const others = user.digestPasswords.filter((password) => password.realm !== realm)
      if (ha1 === undefined) return { ...user, digestPasswords: others }
      if (others.length >= DIGEST_REALMS_MAX) throw new TooManyPasswordsError(DIGEST_REALMS_MAX)
      return { ...user, digestPasswords: [...others, sealHa1(this.#sealer, { recordKey, impi, realm }, ha1)] }
    })
  }

  /** The hashes that stand for the user's password in `realm`, in the clear; undefined when there is none. */
  ha1Of({ recordKey }: Subscriber, { impi, digestPasswords }: PrivateUser, realm: string): Secret | undefined {
    const password = digestPasswords.find((one) => one.realm === realm)
    return password && openHa1(this.#sealer, { recordKey, impi }, password)
  }

  /**
   * Gives a user other GBA user security settings, or takes them away: the subscriber as it is then, or undefined when
   * there is none.
   *
   * @throws ConcurrentChangeError
   */
  async setGuss(impi: Impi, guss: Guss | undefined): Promise<Subscriber | undefined> {
    const user = await this.#changeUser(impi, (before) => ({ ...before, guss }))
    return user && (await this.findByImpi(impi))
  }

  async #changeUser(
    impi: Impi,
    change: (user: PrivateUser, recordKey: string) => PrivateUser,
  ): Promise<PrivateUser | undefined> {
    return await this.#changes.run(this.keys.impi(impi), () =>
      this.#withRetry(async () => {
        const subscriber = await this.findByImpi(impi)
        const user = subscriber && privateUserOf(subscriber, impi)
        if (!subscriber || !user) return undefined
        const changed = change(user, subscriber.recordKey)
        const privateUsers = subscriber.privateUsers.map((one) => (one === user ? changed : one))
        await this.#replace({ ...subscriber, privateUsers })
        return changed
      }),
    )
  }

  /**
   * Gives a subscription another service profile: what it was and what it is then, or undefined when there is none. New
   * identities are claimed before the subscription says so, as `add` does, and those that are gone are given up after.
   *
   * @throws SubscriberExistsError naming every new identity that belongs to somebody already.
   * @throws ConcurrentChangeError when others keep changing the same records.
   */
  async setServiceProfile(
    subscriptionId: string,
    serviceProfile: ServiceProfile,
  ): Promise<{ readonly before: Subscriber; readonly after: Subscriber } | undefined> {
    return await this.#withRetry(async () => {
      const recordKey = this.keys.subscription(subscriptionId)
      const { subscriber: before } = await this.#read(recordKey)
      if (!before) return undefined
      if (isSameMessage(ServiceProfile, before.serviceProfile, serviceProfile)) return { before, after: before }
      const old = impusOf(before)
      const given = impusOf({ serviceProfile })
      const added = given.filter((impu) => !old.includes(impu))
      const taken: string[] = []
      for (const claim of this.#claims([], added)) {
        if (!(await this.#claim(claim, recordKey))) taken.push(claim.identity)
      }
      if (taken.length > 0) throw new SubscriberExistsError(taken)
      const gone = await this.#claimed(
        recordKey,
        this.#claims(
          [],
          old.filter((impu) => !given.includes(impu)),
        ),
      )
      const after = await this.#replace({ ...before, serviceProfile })
      for (const { key, revision } of gone) await this.#deleteUnlessChanged(key, revision)
      return { before, after }
    })
  }

  /** Record keys of all subscriptions, removed ones too, in no order. */
  recordKeys(): AsyncIterable<string> {
    return this.#bucket.keys(SUBSCRIPTION_PREFIX)
  }

  /**
   * Seals K and OPc of the subscription at `recordKey` with the current key: false when that was so already, or nobody is
   * there. Whatever else writes the record does the same.
   *
   * @throws SealedRecordError when they do not open; ConcurrentChangeError.
   */
  async reseal(recordKey: string): Promise<boolean> {
    return await this.#withRetry(async () => {
      const { subscriber } = await this.#read(recordKey)
      if (!subscriber?.privateUsers.some((user) => needsResealing(this.#sealer, user))) return false
      await this.#replace(subscriber)
      return true
    })
  }

  /** The subscribers behind the record `afterKey`, in the order of their record keys (hashes). */
  async *list(afterKey: string): AsyncGenerator<Subscriber, void, undefined> {
    const recordKeys = new Set<string>()
    for await (const key of this.#bucket.keys(SUBSCRIPTION_PREFIX)) if (key > afterKey) recordKeys.add(key)
    for (const key of [...recordKeys].sort()) {
      const { subscriber } = await this.#read(key)
      if (subscriber) yield subscriber
    }
  }

  async #tryAdd(subscriber: NewSubscriber): Promise<'created' | 'same'> {
    const recordKey = this.keys.subscription(subscriber.subscriptionId)
    const before = await this.#read(recordKey)
    if (before.subscriber) {
      if (this.#isSame(before.subscriber, subscriber)) return 'same'
      throw new SubscriberExistsError([subscriber.subscriptionId])
    }
    const taken: string[] = []
    for (const claim of this.#claims(subscriber.privateUsers, impusOf(subscriber))) {
      if (!(await this.#claim(claim, recordKey))) taken.push(claim.identity)
    }
    // guard: identity-taken — an identity has one owner
    if (taken.length > 0) throw new SubscriberExistsError(taken)
    const record = encodeLive({
      ...subscriber,
      generation: this.#random.bytes(GENERATION_OCTETS),
      privateUsers: subscriber.privateUsers.map((user) => sealKeys(this.#sealer, recordKey, user)),
    })
    await this.#write(recordKey, record, before.revision)
    return 'created'
  }

  /**
   * Makes the identity record lead to `recordKey`; false when a live subscriber has the identity.
   *
   * It is written anew even when it leads there already: its new revision makes the take-over of whoever found it
   * leading nowhere fail.
   */
  async #claim(claim: Claim, recordKey: string): Promise<boolean> {
    const record = encodeRecord(IdentityRecord, { subscriptionKey: recordKey })
    const entry = await this.#bucket.get(claim.identityKey)
    if (entry) {
      const holderKey = decodeRecord(IdentityRecord, claim.identityKey, entry.value).subscriptionKey
      if (holderKey !== recordKey) {
        const holder = await this.#read(holderKey)
        if (holder.subscriber && this.#lists(holder.subscriber, claim)) return false
        // Should the holder be about to commit, its commit must fail: of whom it claims the identity is taken over.
        if (holder.subscriber) await this.#replace(holder.subscriber)
        else await this.#write(holderKey, REMOVED, holder.revision)
      }
    }
    await this.#write(claim.identityKey, record, entry?.revision)
    return true
  }

  async #tryRemove(subscriptionId: string): Promise<Subscriber | undefined> {
    const recordKey = this.keys.subscription(subscriptionId)
    const { subscriber, revision } = await this.#read(recordKey)
    if (!subscriber) return undefined
    // Revisions from before the commit: what an add writes anew afterwards is not deleted below.
    const claimed = await this.#claimed(recordKey, this.#claims(subscriber.privateUsers, impusOf(subscriber)))
    await this.#write(recordKey, REMOVED, revision)
    for (const { key, revision: claimRevision } of claimed) await this.#deleteUnlessChanged(key, claimRevision)
    await this.#forget(subscriber)
    return subscriber
  }

  /** Those of the claims whose records lead to `recordKey`, as they are now. */
  async #claimed(recordKey: string, claims: readonly Claim[]): Promise<{ key: string; revision: bigint }[]> {
    const claimed: { key: string; revision: bigint }[] = []
    for (const { identityKey } of claims) {
      const entry = await this.#bucket.get(identityKey)
      if (!entry) continue
      const { subscriptionKey } = decodeRecord(IdentityRecord, identityKey, entry.value)
      if (subscriptionKey === recordKey) claimed.push({ key: identityKey, revision: entry.revision })
    }
    return claimed
  }

  /** Deletes what was kept for the subscriber beside its record; a record of another generation means nothing anyway. */
  async #forget(subscriber: Subscriber): Promise<void> {
    const recordKeys = [
      this.keys.location(subscriber.subscriptionId),
      ...subscriber.privateUsers.map(({ impi }) => this.keys.sqn(impi)),
    ]
    for (const key of recordKeys) {
      const entry = await this.#bucket.get(key)
      if (entry) await this.#deleteUnlessChanged(key, entry.revision)
    }
  }

  async #deleteUnlessChanged(key: string, revision: bigint): Promise<void> {
    try {
      await this.#bucket.delete(key, revision)
    } catch (error) {
      if (!(error instanceof RevisionMismatchError)) throw error
    }
  }

  async #follow(identityKey: string): Promise<Subscriber | undefined> {
    const entry = await this.#bucket.get(identityKey)
    if (!entry) return undefined
    const { subscriptionKey } = decodeRecord(IdentityRecord, identityKey, entry.value)
    return (await this.#read(subscriptionKey)).subscriber
  }

  async #read(recordKey: string): Promise<{ subscriber: Subscriber | undefined; revision: bigint | undefined }> {
    const entry = await this.#bucket.get(recordKey)
    if (!entry) return { subscriber: undefined, revision: undefined }
    const { state } = decodeRecord(SubscriptionRecord, recordKey, entry.value)
    const subscriber = state?.$case === 'live' ? subscriberOf(recordKey, entry.revision, state.value) : undefined
    return { subscriber, revision: entry.revision }
  }

  /** Writes a live subscription over the revision that it was read at, its keys sealed by the current key. */
  async #replace(subscriber: Subscriber): Promise<Subscriber> {
    const { recordKey, revision } = subscriber
    const privateUsers = subscriber.privateUsers.map((user) => resealKeys(this.#sealer, recordKey, user))
    const written = { ...subscriber, privateUsers }
    return { ...written, revision: await this.#bucket.update(recordKey, encodeLive(written), revision) }
  }

  async #write(key: string, value: Uint8Array, revision: bigint | undefined): Promise<void> {
    if (revision === undefined) await this.#bucket.create(key, value)
    else await this.#bucket.update(key, value, revision)
  }

  async #withRetry<T>(attempt: () => Promise<T>): Promise<T> {
    for (let count = 0; count < ATTEMPTS_MAX; count++) {
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof KeyExistsError || error instanceof RevisionMismatchError)) throw error
      }
    }
    throw new ConcurrentChangeError()
  }

  #claims(users: readonly { readonly impi: Impi }[], impus: readonly Impu[]): Claim[] {
    return [
      ...users.map(({ impi }) => ({ identityKey: this.keys.impi(impi), identity: impi })),
      ...impus.map((impu) => ({ identityKey: this.keys.impu(impu), identity: impu })),
    ]
  }

  #lists(subscriber: Subscriber, claim: Claim): boolean {
    return this.#claims(subscriber.privateUsers, impusOf(subscriber)).some(
      ({ identityKey }) => identityKey === claim.identityKey,
    )
  }

  #isSame(stored: Subscriber, given: NewSubscriber): boolean {
    return (
      stored.privateUsers.length === given.privateUsers.length &&
      stored.privateUsers.every((user, index) => {
        const other = given.privateUsers[index]
        if (!other || user.impi !== other.impi || user.initialSqn !== other.initialSqn) return false
        return user.amf.equals(other.amf) && sameKeys(this.keysOf(stored, user), other)
      }) &&
      isSameMessage(ServiceProfile, stored.serviceProfile, given.serviceProfile) &&
      isSameMessage(PresencePolicy, stored.presencePolicy, given.presencePolicy)
    )
  }
}

const REMOVED = encodeRecord(SubscriptionRecord, { state: { $case: 'removed', value: {} } })

function sameKeys(one: AkaKeys, other: AkaKeys): boolean {
  if (!one.k.equals(other.k)) return false
  if ('topc' in one) return 'topc' in other && one.topc.equals(other.topc)
  return !('topc' in other) && one.opc.equals(other.opc)
}

/** Our encoder writes fields in the order of their numbers: equal messages have equal octets. */
function isSameMessage<T>(type: { encode(message: T): { finish(): Uint8Array } }, one: T, other: T): boolean {
  return Buffer.from(type.encode(one).finish()).equals(type.encode(other).finish())
}
