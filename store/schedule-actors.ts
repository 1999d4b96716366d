/** Who has done what was done to schedules with Temporal's own tools. */
export const temporalActor = 'temporal';
export const byTools = "with Temporal's own tools";
