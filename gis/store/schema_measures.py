"""Engineering measures, facilities, media reports, satisfaction surveys."""
