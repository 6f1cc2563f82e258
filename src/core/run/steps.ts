/** Named steps, the pattern for many objects in one operation (a tenant's twelve): each idempotent, done once it is committed. */
import type { RunContext } from '../operation.ts'

export interface StepsState {
  readonly done: readonly string[]
}

export async function runSteps(
  ctx: RunContext<StepsState, any>,
  unit: string,
  steps: readonly { readonly id: string; run(): Promise<void> }[],
): Promise<void> {
  let state: StepsState = ctx.state ?? { done: [] }
  for (const step of steps) {
    if (state.done.includes(step.id)) continue
    ctx.signal.throwIfAborted()
    await step.run()
    state = { done: [...state.done, step.id] }
    ctx.report({ done: state.done.length, total: steps.length, unit })
    await ctx.commit({ phase: step.id, state })
  }
}
