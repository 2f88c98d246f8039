import { type AkaKeys, answerChallenge, type ChallengeAnswer } from '@rollcall/aka'
import type { IsimStore } from './isim-store.ts'

/** The ISIM of a UE: its keys and the SQNs that it has accepted. */
export class Isim {
  readonly #keys: AkaKeys
  readonly #store: IsimStore

  constructor(keys: AkaKeys, store: IsimStore) {
    this.#keys = keys
    this.#store = store
  }

  /**
   * Answers a challenge. When this resolves with success the SQN is on disk: a UE that loses its power after it sent the
   * answer does not take the same challenge again.
   *
   * @see TS 33.102 clause 6.3.3
   */
  answer(rand: Buffer, autn: Buffer): Promise<ChallengeAnswer> {
    // guard: isim-exclusive — of two that load, answer and save at once, one would forget the SQN of the other
    return this.#store.exclusively(async () => {
      const answer = answerChallenge(this.#keys, { rand, autn, state: await this.#store.load() })
      if (answer.kind === 'success') await this.#store.save(answer.state)
      return answer
    })
  }
}
