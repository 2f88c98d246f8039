import { type ToldWatchers, WinfoView } from '../actor/winfo-view.ts'
import type { Notice } from './notice.ts'

/**
 * What the readers of watcher information know, a dialog each, so that the next document has only what has changed. It is
 * known from when a NOTIFY was answered 2xx until the next one is sent: of whatever happens to that one instead, the one
 * after it tells everything. So does the first one of an owner, for no log has this.
 *
 * @see RFC 3857 section 4.7; RFC 3858 section 4
 */
export class ToldDialogs {
  readonly #told = new Map<string, ToldWatchers>()

  /** The notice as it is sent. Who asks for it, by a SUBSCRIBE, is told everything. */
  sending(notice: Notice, isAsked: boolean): Notice {
    if (!(notice.view instanceof WinfoView)) return notice
    const { id } = notice.subscription
    const told = this.#told.get(id)
    this.#told.delete(id)
    return told && !isAsked ? { ...notice, told } : notice
  }

  /** A notice has arrived. */
  arrived({ subscription, view, ended }: Notice): void {
    if (view instanceof WinfoView && !ended) this.#told.set(subscription.id, view.told)
  }

  /** The dialog is gone. */
  forget(subscriptionId: string): void {
    this.#told.delete(subscriptionId)
  }

  clear(): void {
    this.#told.clear()
  }
}
