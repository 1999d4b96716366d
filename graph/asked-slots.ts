/** What a workflow was answered when a job asked for slots of its pools. */
export interface AskedSlots {
  /** Of its request, where it was told to wait; null where it was told to begin. */
  readonly number: number | null;
}
