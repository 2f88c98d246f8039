/** A NOTIFY as it left. */
export interface NotifyLeft {
  /** One name a dialog. */
  readonly dialog: string
  readonly cseq: number
  /** Of the owner that sent it. */
  readonly epoch: bigint
  /** The same for one that goes out again as it was. */
  readonly branch: string
}

interface Dialog {
  readonly branches: Map<number, string>
  /** By epoch, the highest CSeq that left. */
  readonly highest: Map<bigint, number>
}

/**
 * Judges the CSeqs of NOTIFYs: in each dialog they grow, those of a later owner lie above all of an earlier one, and no two
 * NOTIFYs have the same (RFC 3261 section 12.2.1.1; ARCHITECTURE, decision 4).
 */
export class DialogHistory {
  readonly #dialogs = new Map<string, Dialog>()

  /** Takes a NOTIFY in, and gives what is wrong with it. */
  left({ dialog, cseq, epoch, branch }: NotifyLeft): string | undefined {
    const known = this.#dialogs.get(dialog) ?? { branches: new Map(), highest: new Map() }
    this.#dialogs.set(dialog, known)
    const before = known.branches.get(cseq)
    if (before === branch) return undefined
    if (before !== undefined) return `two NOTIFYs of dialog ${dialog} have CSeq ${cseq}`
    known.branches.set(cseq, branch)
    for (const [other, highest] of known.highest) {
      const isWrong = other <= epoch ? cseq <= highest : cseq >= highest
      if (isWrong) return `CSeq ${cseq} of epoch ${epoch} in dialog ${dialog} does not fit ${highest} of epoch ${other}`
    }
    known.highest.set(epoch, cseq)
    return undefined
  }
}
