import type { Impu } from '@rollcall/core'

/** The dialog at our side (RFC 3261 section 12.1.1); the local tag is the subscription's id. */
export interface SubscriptionDialog {
  readonly callId: string
  readonly remoteTag: string
  readonly localUri: string
  readonly remoteUri: string
  readonly remoteTarget: string
  readonly routeSet: readonly string[]
  readonly remoteCseq: number
}

/**
 * A dialog as it is kept in memory: one text instead of an object with its own texts, since there are many and each is
 * looked at only when something is sent in it. The CSeq is apart.
 */
export type PackedDialog = string & { readonly __brand: 'PackedDialog' }

/** What most URIs of dialogs are anyway: left out, they are kept once. */
interface KnownUris {
  /** Who was subscribed to: mostly the local URI. */
  readonly resource: Impu
  /** Who subscribed, as asserted: the first one mostly is the remote URI. */
  readonly watcher: readonly Impu[]
}

/** In no part of a dialog: all of them stood on one line. */
const BETWEEN = '\n'

/** Packs a dialog of which no part has a line feed: what a SIP message or a record of ours gave. */
export function packDialog(dialog: SubscriptionDialog, known: KnownUris): PackedDialog {
  const { callId, remoteTag, localUri, remoteUri, remoteTarget, routeSet } = dialog
  const parts = [
    callId,
    remoteTag,
    localUri === known.resource ? '' : localUri,
    remoteUri === known.watcher[0] ? '' : remoteUri,
    remoteTarget,
    ...routeSet,
  ]
  // Joining makes a text of its own: it holds on to no message that a part was cut from.
  return parts.join(BETWEEN) as PackedDialog
}

/** The dialog that was packed with the same `known`. */
export function unpackDialog(packed: PackedDialog, known: KnownUris): Omit<SubscriptionDialog, 'remoteCseq'> {
  const [callId = '', remoteTag = '', localUri, remoteUri, remoteTarget = '', ...routeSet] = packed.split(BETWEEN)
  return {
    callId,
    remoteTag,
    localUri: localUri || known.resource,
    remoteUri: remoteUri || known.watcher[0] || '',
    remoteTarget,
    routeSet,
  }
}
