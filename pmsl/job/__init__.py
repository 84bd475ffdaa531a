"""What is made of parts and profiles: PrintJob, LayerPlan, DoseMap, and whether their numbers fit each other."""
