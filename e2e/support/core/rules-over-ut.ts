import { parseImpi, parseImpu, RollcallError } from '@rollcall/core'
import { memoryIsimStore, Ut } from '@rollcall/ue'
import type { TestNetwork } from '../network.ts'
import type { CoreUser } from './core-user.ts'

/** A replica that is stopped answers nothing: its proxy says so sooner. */
const TIMEOUT_MS = 5_000

/** A user who sets rules over Ut, by GBA, as any UE does; nothing else of a UE is there. */
export class RulesOverUt implements AsyncDisposable {
  readonly #ut: Ut

  private constructor(ut: Ut) {
    this.#ut = ut
  }

  static async open(network: TestNetwork, user: CoreUser): Promise<RulesOverUt> {
    const { domain, credentials } = network.world
    // The places of another UE: nothing is sent there.
    const { pcscf, encapsulation, localAddress, instance } = credentials.bob
    const ut = await Ut.open({
      credentials: {
        impi: parseImpi(user.impi),
        impus: [parseImpu(user.impu)],
        domain,
        keys: user.keys,
        pcscf,
        encapsulation,
        localAddress,
        instance,
        ut: network.stack.ut,
      },
      isimStore: memoryIsimStore(),
      settings: { timeoutMs: TIMEOUT_MS },
    })
    const rules = new RulesOverUt(ut)
    // A first document can be put on no condition: it is there before anything goes wrong.
    if (!(await rules.block([]))) throw new Error('the first rules are not taken')
    return rules
  }

  /**
   * Lets everybody watch but these. Gives whether it is in force; else it may be, or come to be: as long as nothing else is
   * put. An earlier try that was on its way still, when a later one was answered, finds another entity-tag then.
   */
  async block(blocked: readonly string[]): Promise<boolean> {
    const except = blocked.map((impu) => `<except id="${impu}"/>`).join('')
    const rules =
      '<?xml version="1.0" encoding="UTF-8"?>\n<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" ' +
      'xmlns:pr="urn:ietf:params:xml:ns:pres-rules"><rule id="all-but-some"><conditions><identity>' +
      `<many>${except}</many></identity></conditions><actions><pr:sub-handling>allow</pr:sub-handling></actions>` +
      '<transformations><pr:provide-services><pr:all-services/></pr:provide-services>' +
      '<pr:provide-persons><pr:all-persons/></pr:provide-persons><pr:provide-devices><pr:all-devices/></pr:provide-devices>' +
      '<pr:provide-all-attributes/></transformations></rule></ruleset>\n'
    try {
      const current = await this.#ut.rules.get()
      await this.#ut.rules.set(Buffer.from(rules), { ifMatch: current?.etag })
      return true
    } catch (error) {
      if (error instanceof RollcallError) return false
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ut.close()
  }
}
