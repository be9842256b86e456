"""The cellar: what every process stands on. It knows no noun of the desk."""
