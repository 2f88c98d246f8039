import { parseImpi, parseImpu } from '@rollcall/core'
import { memoryIsimStore, nodeSelector, type Subscription, Ue, Ut, userDocument, XCAP_ELEMENT } from '@rollcall/ue'
import { ACCESS_REALM, type BenchUser, benchUser } from '../access/bench-user.ts'
import { closedLoop } from '../load/closed-loop.ts'
import type { LoadReport } from '../load/work.ts'
import type { UtPlace, UtWork } from './ut-work.ts'

const COMMON_POLICY = 'urn:ietf:params:xml:ns:common-policy'
const RULES_TYPE = 'application/auth-policy+xml'
/** Rules that each document has besides: what a user has after some years. */
const OTHER_RULES = 10
const SIP_PORT = 15_060
const ENCAPSULATION_PORT = 14_500
const NOTIFY_MS_MAX = 10_000

/** A user over Ut: its documents, and what it puts next. */
interface UtUser {
  readonly ut: Ut
  readonly document: string
  turn: number
}

/** UEs that read and write their rules, over connections and with keys of their own. */
export class UtLoad {
  readonly #place: UtPlace
  readonly #idle: UtUser[] = []
  #watch: Subscription | undefined

  constructor(place: UtPlace) {
    this.#place = place
  }

  async run(work: UtWork): Promise<LoadReport> {
    while (this.#idle.length < Math.max(work.outstanding, 1)) this.#idle.push(await this.#open(this.#idle.length))
    if (work.kind === 'notify') this.#watch ??= await this.#watchFirst()
    const done = await closedLoop(work, (end) => {
      const user = this.#idle.shift()
      if (!user) throw new Error('more outstanding than there are users')
      const startMs = performance.now()
      this.#do(user, work.kind).then(
        () => {
          this.#idle.push(user)
          end({ latencyMs: performance.now() - startMs })
        },
        (error: unknown) => {
          this.#idle.push(user)
          end({ failure: error instanceof Error ? error.message : 'unknown' })
        },
      )
    })
    return { ...done, resent: 0, repeated: 0 }
  }

  async #do(user: UtUser, kind: UtWork['kind']): Promise<void> {
    const { ut, document } = user
    user.turn += 1
    if (kind === 'get') await ut.xcap.get(document)
    else if (kind === 'put') await putElement(user)
    else {
      // Allowed, then politely blocked, and again: each is another document for the watcher.
      await ut.rules.set(rulesOf(user.turn % 2 === 0 ? 'allow' : 'polite-block'))
      await this.#watch?.next(NOTIFY_MS_MAX)
    }
  }

  async #open(number: number): Promise<UtUser> {
    const user = benchUser(number, this.#place.network)
    const ut = await Ut.open({
      credentials: this.#credentials(user),
      isimStore: memoryIsimStore(),
      settings: { connectionsMax: 1 },
    })
    const document = userDocument('pres-rules', parseImpu(user.impu), 'index')
    await ut.xcap.put(document, { body: rulesOf('allow'), contentType: RULES_TYPE })
    return { ut, document, turn: 0 }
  }

  /** A UE that watches the first user, who is registered, in ESP as any does. */
  async #watchFirst(): Promise<Subscription> {
    const first = benchUser(0, this.#place.network)
    await this.#registered(first)
    const ue = await this.#registered(benchUser(this.#place.users, this.#place.network))
    const watch = await ue.subscribe({ uri: parseImpu(first.impu) })
    await watch.next(NOTIFY_MS_MAX)
    return watch
  }

  async #registered(user: BenchUser): Promise<Ue> {
    const ue = await Ue.open({
      credentials: this.#credentials(user),
      isimStore: memoryIsimStore(),
      settings: { refreshes: false, subscribesToRegEvent: false },
    })
    await ue.register()
    return ue
  }

  #credentials(user: BenchUser) {
    const { address, bsf, xcapRoot, apPort, caFile } = this.#place
    return {
      impi: parseImpi(user.impi),
      impus: [parseImpu(user.impu)] as const,
      domain: ACCESS_REALM,
      keys: user.keys,
      pcscf: { address, port: SIP_PORT },
      encapsulation: { address, port: ENCAPSULATION_PORT },
      localAddress: user.address,
      instance: user.instance,
      ut: { bsf, xcapRoot, ap: { address, port: apPort }, caFile },
    }
  }
}

/** One element replaced by another of the same name and id. */
async function putElement({ ut, document, turn }: UtUser): Promise<void> {
  const steps = ['cp:ruleset', 'cp:rule[@id="r1"]', 'cp:conditions', 'cp:identity', 'cp:one[1]']
  const selector = nodeSelector(document, steps, { cp: COMMON_POLICY })
  const body = Buffer.from(`<one xmlns="${COMMON_POLICY}" id="sip:friend-${turn}@${ACCESS_REALM}"/>`)
  await ut.xcap.put(selector, { body, contentType: XCAP_ELEMENT })
}

function rulesOf(others: 'allow' | 'polite-block'): Buffer {
  const rule = (id: string, who: string, handling: string): string =>
    `<rule id="${id}"><conditions><identity>${who}</identity></conditions>` +
    `<actions><pr:sub-handling>${handling}</pr:sub-handling></actions><transformations>` +
    '<pr:provide-services><pr:all-services/></pr:provide-services><pr:provide-all-attributes/></transformations></rule>'
  const named = Array.from({ length: OTHER_RULES }, (_, at) =>
    rule(`r${at + 1}`, `<one id="sip:friend-of-${at}@${ACCESS_REALM}"/>`, 'allow'),
  )
  return Buffer.from(
    `<ruleset xmlns="${COMMON_POLICY}" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">` +
      `${named.join('')}${rule('others', '<many/>', others)}</ruleset>`,
  )
}
