import { writeFileSync } from 'node:fs'

/** How one step of a start went: the runner's own ones and those of the story. */
export interface ReportStep {
  readonly step: string
  readonly ok: boolean
  readonly ms: number
  /** How its messages were protected: `udp-enc-tun aes-cbc hmac-sha-1-96`; empty when there were none. */
  readonly protection: string
  readonly detail: string
}

/** Tells the steps to a person as they end, and keeps them for `--report FILE`. */
export class Report {
  readonly steps: ReportStep[] = []

  add(step: ReportStep): void {
    this.steps.push(step)
    const mark = step.ok ? '✓' : '✗'
    const time = `${Math.round(step.ms)} ms`.padStart(9)
    console.log(
      `${mark} ${step.step.padEnd(24)}${time}  ${step.detail}${step.protection ? ` [${step.protection}]` : ''}`,
    )
  }

  /** Runs one of the runner's own steps: what `work` gives is its sentence. @throws what `work` throws */
  async run(step: string, work: () => Promise<string>): Promise<void> {
    const begin = performance.now()
    try {
      const detail = await work()
      this.add({ step, ok: true, ms: performance.now() - begin, protection: '', detail })
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error)
      this.add({ step, ok: false, ms: performance.now() - begin, protection: '', detail })
      throw error
    }
  }

  write(file: string): void {
    writeFileSync(file, `${JSON.stringify(this.steps, null, 2)}\n`)
  }
}
